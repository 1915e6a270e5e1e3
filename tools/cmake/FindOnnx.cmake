# Finds the reference classes of ONNX by header and library; gives Onnx::proto (the classes of the files), Onnx::checker
# (the reference checker, where its library is there) and Onnx_FOUND. The package's own ONNXConfig.cmake is not used: it
# asks for targets of protobuf that it does not look for.
find_path(Onnx_INCLUDE_DIR onnx/onnx-ml.pb.h)
find_library(Onnx_PROTO_LIBRARY onnx_proto)
find_library(Onnx_CHECKER_LIBRARY onnx)
find_path(Onnx_PROTOBUF_INCLUDE_DIR google/protobuf/message.h)
find_library(Onnx_PROTOBUF_LIBRARY protobuf)
mark_as_advanced(Onnx_INCLUDE_DIR Onnx_PROTO_LIBRARY Onnx_CHECKER_LIBRARY Onnx_PROTOBUF_INCLUDE_DIR Onnx_PROTOBUF_LIBRARY)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Onnx
  REQUIRED_VARS Onnx_PROTO_LIBRARY Onnx_INCLUDE_DIR Onnx_PROTOBUF_LIBRARY Onnx_PROTOBUF_INCLUDE_DIR)
# What the compiler searches anyway must not come before its own folders.
set(Onnx_INCLUDE_DIRS "${Onnx_INCLUDE_DIR}" "${Onnx_PROTOBUF_INCLUDE_DIR}")
list(REMOVE_ITEM Onnx_INCLUDE_DIRS ${CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES})
if(Onnx_FOUND AND NOT TARGET Onnx::proto)
  add_library(Onnx::proto UNKNOWN IMPORTED)
  set_target_properties(Onnx::proto PROPERTIES
    IMPORTED_LOCATION "${Onnx_PROTO_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${Onnx_INCLUDE_DIRS}"
    INTERFACE_COMPILE_DEFINITIONS "ONNX_NAMESPACE=onnx;ONNX_ML=1"
    INTERFACE_LINK_LIBRARIES "${Onnx_PROTOBUF_LIBRARY}")
  if(Onnx_CHECKER_LIBRARY)
    add_library(Onnx::checker UNKNOWN IMPORTED)
    set_target_properties(Onnx::checker PROPERTIES
      IMPORTED_LOCATION "${Onnx_CHECKER_LIBRARY}" INTERFACE_LINK_LIBRARIES Onnx::proto)
  endif()
endif()
