//! Fuzz targets as library functions.
