# The public headers as users see them. Inside the repository the include root is its top folder ("engine/tensor.h"); users get
# a copy under <build>/include/chainrule/ in which every such include reads <chainrule/engine/tensor.h>, so that no folder
# called engine or ops ever comes onto a user's include path. The copy is made at build time, and installed as it is. chainrule.h
# stands beside this file: it includes all rooms, so it belongs to none of them.
file(GLOB_RECURSE chainrule_public_headers CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}"
  engine/*.h ops/*.h nn/*.h optim/*.h)
# A header whose first line says "Inner header" is for our own sources. A public header that includes one of them stops the build with a message.
foreach(header IN LISTS chainrule_public_headers)
  file(STRINGS "${PROJECT_SOURCE_DIR}/${header}" first_line LIMIT_COUNT 1)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${header}")
  if(first_line MATCHES "^// Inner header")
    list(REMOVE_ITEM chainrule_public_headers "${header}")
  endif()
endforeach()
list(SORT chainrule_public_headers)

set(chainrule_include_dir "${PROJECT_BINARY_DIR}/include")
list(TRANSFORM chainrule_public_headers PREPEND "${PROJECT_SOURCE_DIR}/" OUTPUT_VARIABLE header_inputs)
list(TRANSFORM chainrule_public_headers PREPEND "${chainrule_include_dir}/chainrule/" OUTPUT_VARIABLE header_outputs)
set(header_stamp "${PROJECT_BINARY_DIR}/chainrule_headers.stamp")
add_custom_command(
  OUTPUT "${header_stamp}"
  BYPRODUCTS ${header_outputs} "${chainrule_include_dir}/chainrule/chainrule.h"
  COMMAND "${CMAKE_COMMAND}" "-DFROM=${PROJECT_SOURCE_DIR}" "-DTO=${chainrule_include_dir}/chainrule"
          "-DHEADERS=${chainrule_public_headers}" "-DVERSION=${PROJECT_VERSION}" "-DSTAMP=${header_stamp}"
          -P "${PROJECT_SOURCE_DIR}/tools/cmake/copy_headers.cmake"
  DEPENDS ${header_inputs} tools/cmake/chainrule.h.in tools/cmake/copy_headers.cmake tools/cmake/headers.cmake
  COMMENT "Writing the public headers"
  VERBATIM)
add_custom_target(chainrule_headers DEPENDS "${header_stamp}")
add_dependencies(chainrule chainrule_headers)
target_include_directories(chainrule INTERFACE $<BUILD_INTERFACE:${chainrule_include_dir}>)
