# An installed gradus can be moved: the package finds itself and, for the archive only, what the archive is linked with.
include(CMakePackageConfigHelpers)

install(TARGETS gradus EXPORT gradusTargets)
install(TARGETS gradus_xtensor EXPORT gradusXtensorTargets)
install(DIRECTORY framework layers optim DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/gradus"
  FILES_MATCHING PATTERN "*.h"
  PATTERN kernels EXCLUDE PATTERN detail/blas.h EXCLUDE PATTERN detail/tbb.h EXCLUDE PATTERN detail/simd*.h EXCLUDE PATTERN ops/map.h EXCLUDE
  PATTERN io/safetensors_keys.h EXCLUDE PATTERN layers/dtype.h EXCLUDE PATTERN layers/table.h EXCLUDE PATTERN optim/finite.h EXCLUDE PATTERN optim/state_text.h EXCLUDE)
install(FILES gradus.h DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/gradus" OPTIONAL)
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")

set(package "${CMAKE_INSTALL_LIBDIR}/cmake/gradus")
install(EXPORT gradusTargets NAMESPACE gradus:: DESTINATION "${package}")
install(EXPORT gradusXtensorTargets NAMESPACE gradus:: DESTINATION "${package}")
configure_package_config_file(cmake/gradusConfig.cmake.in "${PROJECT_BINARY_DIR}/gradusConfig.cmake"
  INSTALL_DESTINATION "${package}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/gradusConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/gradusConfig.cmake" "${PROJECT_BINARY_DIR}/gradusConfigVersion.cmake"
  DESTINATION "${package}")
