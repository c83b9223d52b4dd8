"""The offline training job: corpus → vocabulary → model → fit → evaluate → export → publish."""
