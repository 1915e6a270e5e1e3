# Files of the tree inside the library, so that it opens no path at run time. Included, this gives
#   embed(TARGET FILE SYMBOL)
# which compiles FILE (from the project's root) into TARGET as the std::string_view chainrule::embedded::SYMBOL; every
# SYMBOL is declared in engine/system/embedded.h. The build runs the same file as a script that writes the source:
#   cmake -DINPUT=page.html -DSYMBOL=page_html -DOUTPUT=page_html.cpp -P embed.cmake
if(NOT CMAKE_SCRIPT_MODE_FILE)
  function(embed target file symbol)
    set(input "${PROJECT_SOURCE_DIR}/${file}")
    set(output "${PROJECT_BINARY_DIR}/embedded/${symbol}.cpp")
    set(script "${CMAKE_CURRENT_FUNCTION_LIST_FILE}")
    add_custom_command(OUTPUT "${output}" VERBATIM
      COMMAND "${CMAKE_COMMAND}" "-DINPUT=${input}" "-DSYMBOL=${symbol}" "-DOUTPUT=${output}" -P "${script}"
      DEPENDS "${input}" "${script}"
      COMMENT "Embedding ${file}")
    set_source_files_properties("${output}" PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    target_sources(${target} PRIVATE "${output}")
  endfunction()
  return()
endif()

foreach(name INPUT SYMBOL OUTPUT)
  if(NOT DEFINED ${name})
    message(FATAL_ERROR "embed.cmake: -D${name}=... is missing")
  endif()
endforeach()
if(NOT EXISTS "${INPUT}")
  message(FATAL_ERROR "embed.cmake: there is no file ${INPUT}")
endif()

# Characters one by one: a string literal may not be as long as a file. Twenty a line, for compilers and editors.
file(READ "${INPUT}" hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," characters "${hex}")
string(REPEAT "'.x..'," 20 row)
string(REGEX REPLACE "(${row})" "\\1\n" characters "${characters}")
get_filename_component(input_name "${INPUT}" NAME)
file(WRITE "${OUTPUT}" "// Made from ${input_name} by embed.cmake. Do not edit.
#include \"engine/system/embedded.h\"

namespace chainrule::embedded {
namespace {
constexpr char kCharacters[] = {
${characters}
};
}  // namespace

constinit const std::string_view ${SYMBOL}(kCharacters, sizeof kCharacters);

}  // namespace chainrule::embedded
")
