from trackers.connector import Connector, Features


class JiraServerConnector(Connector):
    kind, label = "jira_server", "Jira Server / Data Center"
    features = Features()
