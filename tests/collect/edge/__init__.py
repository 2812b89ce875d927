"""IoT Edge deployments."""
