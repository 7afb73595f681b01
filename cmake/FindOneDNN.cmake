# OneDNN::dnnl: oneDNN and the OpenMP library that it uses. Its own package file also asks for OpenCL's headers, which nothing
# here needs.
find_library(OneDNN_LIBRARY NAMES dnnl)
find_path(OneDNN_INCLUDE_DIR NAMES oneapi/dnnl/dnnl.h)
mark_as_advanced(OneDNN_LIBRARY OneDNN_INCLUDE_DIR)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OneDNN REQUIRED_VARS OneDNN_LIBRARY OneDNN_INCLUDE_DIR)
if(OneDNN_FOUND AND NOT TARGET OneDNN::dnnl)
  add_library(OneDNN::dnnl UNKNOWN IMPORTED)
  set_target_properties(OneDNN::dnnl PROPERTIES IMPORTED_LOCATION "${OneDNN_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${OneDNN_INCLUDE_DIR}" INTERFACE_LINK_LIBRARIES gomp)
endif()
