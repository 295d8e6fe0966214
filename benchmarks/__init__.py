"""What eventbus costs, as ratios measured in one run."""
