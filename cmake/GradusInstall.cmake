# An installed gradus can be moved: the package finds itself and, for the archive only, what the archive is linked with.
include(CMakePackageConfigHelpers)

install(TARGETS gradus EXPORT gradusTargets)
install(TARGETS gradus_text EXPORT gradusTextTargets)
install(TARGETS gradus_xtensor EXPORT gradusXtensorTargets)

# Public headers, and those private ones that they include: folders named detail, framework/kernels and framework/ops/author are
# private.
file(GLOB_RECURSE public CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}" framework/*.h layers/*.h optim/*.h)
list(FILTER public EXCLUDE REGEX "/detail/|^framework/(kernels|ops/author)/")
list(APPEND public gradus.h text.h)
set(unread ${public})
set(installed)
while(unread)
  list(POP_FRONT unread header)
  list(APPEND installed ${header})
  file(STRINGS "${PROJECT_SOURCE_DIR}/${header}" includes REGEX "^#include <gradus/")
  foreach(include IN LISTS includes)
    string(REGEX REPLACE ".*<gradus/(.*)>.*" "\\1" include "${include}")
    if(NOT include IN_LIST installed AND NOT include IN_LIST unread)
      list(APPEND unread ${include})
    endif()
  endforeach()
endwhile()
foreach(header IN LISTS installed)
  get_filename_component(folder "${header}" DIRECTORY)
  install(FILES "${header}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/gradus/${folder}")
endforeach()
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")

set(package "${CMAKE_INSTALL_LIBDIR}/cmake/gradus")
install(EXPORT gradusTargets NAMESPACE gradus:: DESTINATION "${package}")
install(EXPORT gradusTextTargets NAMESPACE gradus:: DESTINATION "${package}")
install(EXPORT gradusXtensorTargets NAMESPACE gradus:: DESTINATION "${package}")
configure_package_config_file(cmake/gradusConfig.cmake.in "${PROJECT_BINARY_DIR}/gradusConfig.cmake"
  INSTALL_DESTINATION "${package}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/gradusConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES cmake/FindLibzip.cmake cmake/FindPCRE2.cmake cmake/FindUtf8proc.cmake
  "${PROJECT_BINARY_DIR}/gradusConfig.cmake"
  "${PROJECT_BINARY_DIR}/gradusConfigVersion.cmake" DESTINATION "${package}")
