# The public headers as users see them. Inside the repository the include root is its top folder ("engine/tensor.h"); users get
# a copy under <build>/include/chainrule/ in which every such include reads <chainrule/engine/tensor.h>, so that no folder
# called engine or ops ever comes onto a user's include path. The copy is made at build time, and installed as it is.
file(GLOB chainrule_public_headers CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}"
  engine/*.h ops/*.h ops/language/*.h nn/*.h nn/data/*.h optim/*.h)
# ops/kernels/ and these are for our own sources. A public header that includes one of them stops the build with a message.
list(REMOVE_ITEM chainrule_public_headers
  engine/array_elements.h engine/diagram_json.h engine/diagram_style.h engine/diagram_text.h engine/dot_writer.h engine/file.h engine/gradcheck_difference.h
  engine/gradcheck_blame.h engine/gradcheck_cause.h engine/gradcheck_replay.h engine/gradcheck_state.h engine/graph_steps.h engine/graph_view.h engine/html_label.h engine/inflate.h engine/process.h engine/render.h engine/step_text.h engine/step_walk.h engine/text.h engine/traverse.h
  ops/arguments.h ops/axes.h ops/blocks.h ops/chosen.h ops/images.h ops/launch.h ops/loss_parts.h ops/norm_groups.h ops/matrices.h ops/rules.h ops/signature.h)
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
  DEPENDS ${header_inputs} tools/cmake/copy_headers.cmake tools/cmake/headers.cmake
  COMMENT "Writing the public headers"
  VERBATIM)
add_custom_target(chainrule_headers DEPENDS "${header_stamp}")
add_dependencies(chainrule chainrule_headers)
target_include_directories(chainrule INTERFACE $<BUILD_INTERFACE:${chainrule_include_dir}>)
