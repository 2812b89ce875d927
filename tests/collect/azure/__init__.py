"""Azure IoT Hub files."""
