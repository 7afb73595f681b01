# How everything in this tree is compiled. None of it reaches the users of an installed gradus.
function(gradus_compile_options target)
  set_target_properties(${target} PROPERTIES
    CXX_EXTENSIONS OFF CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_compile_options(${target} PRIVATE  # no -ffp-contract: decision 0008
    -fno-math-errno -Wall -Wextra -Wpedantic -Wconversion -Wshadow $<$<CXX_COMPILER_ID:GNU>:-fno-semantic-interposition>
    $<$<CXX_COMPILER_ID:Clang>:-Wreserved-identifier>
    $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>  # clang 19 and newer, of the buffer in libstdc++'s stable_sort
    $<$<BOOL:${GRADUS_WERROR}>:-Werror>
    $<$<BOOL:${GRADUS_MARCH}>:-march=${GRADUS_MARCH}>)
  target_compile_definitions(${target} PRIVATE
    $<$<BOOL:${GRADUS_DEBUG_MEMORY}>:GRADUS_DEBUG_MEMORY> $<$<BOOL:${GRADUS_STD_THREADS}>:GRADUS_STD_THREADS>)
  if(GRADUS_SANITIZE)
    # Public, so that whatever links the archive links the sanitizer's runtime too.
    target_compile_options(${target} PRIVATE -fsanitize=${GRADUS_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC $<BUILD_INTERFACE:-fsanitize=${GRADUS_SANITIZE}>)
  endif()
  # g++ 12 sees uninitialised values inside its own AVX-512 intrinsics.
  get_target_property(files ${target} SOURCES)
  list(FILTER files INCLUDE REGEX "(kernels|detail|xtensor)")
  set_property(SOURCE ${files} APPEND PROPERTY
    COMPILE_OPTIONS $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized> $<$<CXX_COMPILER_ID:GNU>:-Wno-uninitialized>)
endfunction()
