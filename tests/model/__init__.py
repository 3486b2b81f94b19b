"""An exhaustive model of the journal protocol: see docs/explanation/protocol-model.md."""
