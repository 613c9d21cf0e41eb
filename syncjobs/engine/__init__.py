"""The algorithm of syncing one pair, decided without database, network or clock. PURE. Specification: sync-semantics 2-6.

registers.py combine two values · state.py what is kept of a pair · observe.py what people did here · plan.py what to write ·
settle.py what a write or a crash left · delivery.py what the partner lacks."""
