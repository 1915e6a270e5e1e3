# Script (cmake -P): copies HEADERS from FROM to TO, turning "engine/x.h" into <chainrule/engine/x.h>, and writes chainrule.h,
# which includes them all. Files whose text did not change keep their time; files that are no longer headers go away.
cmake_policy(VERSION 3.25)

function(write_if_changed file text)
  set(old "")
  if(EXISTS "${file}")
    file(READ "${file}" old)
  endif()
  if(NOT EXISTS "${file}" OR NOT old STREQUAL text)
    file(WRITE "${file}" "${text}")
  endif()
endfunction()

set(umbrella "// The whole of chainrule ${VERSION} in one include. Single headers are there too: <chainrule/engine/tensor.h>.\n#pragma once\n\n")
foreach(header IN LISTS HEADERS)
  file(READ "${FROM}/${header}" text)
  string(REGEX REPLACE "#include \"((engine|ops|nn|optim)/[^\"\n]+)\"" "#include <chainrule/\\1>" text "${text}")
  if(text MATCHES "#include <chainrule/(ops/kernels/[^>]*)>")
    message(FATAL_ERROR "${header}: a public header includes ${CMAKE_MATCH_1}, which users do not get. "
                        "Move the include to a .cpp file, or take the header out in tools/cmake/headers.cmake.")
  endif()
  write_if_changed("${TO}/${header}" "${text}")
  string(APPEND umbrella "#include <chainrule/${header}>\n")
endforeach()
write_if_changed("${TO}/chainrule.h" "${umbrella}")

file(GLOB_RECURSE present RELATIVE "${TO}" "${TO}/*")
list(REMOVE_ITEM present ${HEADERS} chainrule.h)
foreach(file IN LISTS present)
  file(REMOVE "${TO}/${file}")
endforeach()
file(TOUCH "${STAMP}")
