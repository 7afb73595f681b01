# Everything that gradus is built with, from the system's packages.
set(BLA_VENDOR OpenBLAS)  # before xtensor-blas, whose package looks for BLAS and LAPACK
find_package(Threads REQUIRED)
find_package(BLAS REQUIRED)
find_package(TBB REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(xtl REQUIRED)
find_package(xsimd REQUIRED)
find_package(xtensor REQUIRED)
find_package(xtensor-blas REQUIRED)
if(NOT GRADUS_KERNELS_ONLY)  # for gradus::text
  find_package(PCRE2)
  find_package(Libzip)
  find_package(Utf8proc)
  find_package(ZLIB)
  foreach(library PCRE2:libpcre2-dev Libzip:libzip-dev Utf8proc:libutf8proc-dev ZLIB:zlib1g-dev)
    string(REPLACE ":" ";" library ${library})
    list(GET library 0 name)
    list(GET library 1 package)
    if(NOT ${name}_FOUND)
      message(FATAL_ERROR "gradus: ${name} is not found: install it (Debian's package is ${package})")
    endif()
  endforeach()
endif()
if(GRADUS_BUILD_EXAMPLES)
  find_package(CLI11 REQUIRED)
endif()

# OpenBLAS's own cblas.h: the reference one has no openblas_set_num_threads.
find_path(GRADUS_CBLAS_INCLUDE_DIR NAMES cblas.h
  PATH_SUFFIXES openblas-pthread openblas-openmp openblas-serial openblas ""
  DOC "Folder of OpenBLAS's cblas.h")
mark_as_advanced(GRADUS_CBLAS_INCLUDE_DIR)
if(NOT GRADUS_CBLAS_INCLUDE_DIR)
  message(FATAL_ERROR "gradus: no cblas.h of OpenBLAS found: set GRADUS_CBLAS_INCLUDE_DIR")
endif()
