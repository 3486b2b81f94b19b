"""A Docker daemon with local stand-ins for the official images, where no image can be pulled."""
