"""From what collectors saw to assets: identifiers of all layers, merged where they prove one device. Judges nothing."""
