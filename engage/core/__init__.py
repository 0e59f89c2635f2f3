"""The pure heart: records, protocols, scoring and policy. Imports numpy and the standard library, nothing else."""
