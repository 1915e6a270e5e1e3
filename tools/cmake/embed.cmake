# Turns a file into a C++ source with its bytes, so that a program carries its data. Run as a script:
#   cmake -DINPUT=data.bin -DSYMBOL=data_bin -DOUTPUT=data_bin.cpp -P embed.cmake
# It defines chainrule::embedded::SYMBOL (the bytes) and chainrule::embedded::SYMBOL_size.
foreach(name INPUT SYMBOL OUTPUT)
  if(NOT DEFINED ${name})
    message(FATAL_ERROR "embed.cmake: -D${name}=... is missing")
  endif()
endforeach()
if(NOT EXISTS "${INPUT}")
  message(FATAL_ERROR "embed.cmake: there is no file ${INPUT}")
endif()

file(READ "${INPUT}" hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
# Twenty bytes a line: compilers and editors dislike one line of hundreds of kilobytes.
string(REPEAT "0x..," 20 row)
string(REGEX REPLACE "(${row})" "\\1\n" bytes "${bytes}")
get_filename_component(input_name "${INPUT}" NAME)
file(WRITE "${OUTPUT}" "// Made from ${input_name} by embed.cmake. Do not edit.
#include <cstddef>

namespace chainrule::embedded {

extern const unsigned char ${SYMBOL}[];
extern const std::size_t ${SYMBOL}_size;

const unsigned char ${SYMBOL}[] = {
${bytes}
};
const std::size_t ${SYMBOL}_size = sizeof ${SYMBOL};

}  // namespace chainrule::embedded
")
