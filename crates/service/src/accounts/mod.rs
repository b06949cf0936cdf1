pub(crate) mod app;
