"""What was collected: table specs, one file each in `tables/`, and the bundle that holds rows, coverage and raw bytes."""
