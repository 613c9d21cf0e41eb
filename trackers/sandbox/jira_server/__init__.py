"""Jira Data Center 10.3: REST v2 at /rest/api/2, wiki markup, webhooks at /rest/jira-webhook/1.0/webhooks."""
