//! Composition root: configuration, first start, lifecycle, telemetry.
