"""Jobs of TAO specs: status, processes, data archives."""
