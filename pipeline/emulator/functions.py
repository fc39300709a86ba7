"""All served functions: importing this module registers every theme."""

from pipeline.emulator import (
    functions_collections,
    functions_dates,
    functions_dictionaries,
    functions_elements,
    functions_filters,
    functions_geometry,
    functions_image_math,
    functions_images,
    functions_joins,
    functions_lists,
    functions_numbers,
    functions_reducers,
    functions_strings,
)
from pipeline.emulator.registry import served_functions

THEMES = (
    functions_collections,
    functions_dates,
    functions_dictionaries,
    functions_elements,
    functions_filters,
    functions_geometry,
    functions_image_math,
    functions_images,
    functions_joins,
    functions_lists,
    functions_numbers,
    functions_reducers,
    functions_strings,
)

__all__ = ["THEMES", "served_functions"]
