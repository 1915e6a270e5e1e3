# Install and export: the library, the rewritten public headers, the command, a CMake package for the installed and for the
# build tree, and a pkg-config file.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS chainrule EXPORT chainruleTargets INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
if(TARGET chainrule_command)
  install(TARGETS chainrule_command)
endif()
install(DIRECTORY "${chainrule_include_dir}/chainrule" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/chainrule")
install(EXPORT chainruleTargets NAMESPACE chainrule:: DESTINATION "${package_dir}")
export(EXPORT chainruleTargets NAMESPACE chainrule:: FILE "${PROJECT_BINARY_DIR}/chainruleTargets.cmake")

# A static library needs its private dependencies when the user's program is linked; a shared one has them already.
get_target_property(type chainrule TYPE)
set(private_dependencies "")
if(type STREQUAL "STATIC_LIBRARY")
  set(private_dependencies "find_dependency(hwy CONFIG)\nfind_dependency(ZLIB)\nfind_dependency(LibZip)\nfind_dependency(PNG)\nfind_dependency(Utf8proc)\nfind_dependency(Threads)\n")
  if(CHAINRULE_USE_OPENMP)
    string(APPEND private_dependencies "find_dependency(OpenMP COMPONENTS CXX)\n")
  endif()
  if(CHAINRULE_USE_ONEDNN)
    string(APPEND private_dependencies "find_dependency(OneDNN)\n")
  endif()
endif()
configure_package_config_file(tools/cmake/chainruleConfig.cmake.in "${PROJECT_BINARY_DIR}/chainruleConfig.cmake"
  INSTALL_DESTINATION "${package_dir}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/chainruleConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
foreach(module IN ITEMS FindOneDNN FindLibZip FindUtf8proc)
  configure_file(tools/cmake/${module}.cmake "${PROJECT_BINARY_DIR}/${module}.cmake" COPYONLY)
endforeach()
install(FILES "${PROJECT_BINARY_DIR}/chainruleConfig.cmake" "${PROJECT_BINARY_DIR}/chainruleConfigVersion.cmake"
  tools/cmake/FindOneDNN.cmake tools/cmake/FindLibZip.cmake tools/cmake/FindUtf8proc.cmake DESTINATION "${package_dir}")

# pkg-config: what only the library itself uses stands under .private, which pkg-config --static adds.
set(pc_libs_private "")
if(CHAINRULE_USE_ONEDNN)
  string(APPEND pc_libs_private " -ldnnl")
endif()
if(CHAINRULE_USE_OPENMP)
  string(APPEND pc_libs_private " ${OpenMP_CXX_FLAGS}")
endif()
file(RELATIVE_PATH pc_prefix "${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")
configure_file(tools/cmake/chainrule.pc.in "${PROJECT_BINARY_DIR}/chainrule.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/chainrule.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
