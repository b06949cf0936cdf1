//! app_door
