from trackers.connector import Connector, Features


class GitHubConnector(Connector):
    kind, label = "github", "GitHub"
    features = Features()
