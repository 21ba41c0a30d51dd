"""Azure DevOps' REST API: identity, organizations, personal access tokens, and what its error codes mean."""
