# Sourced by tools/demo, tools/test and .ci/run: finds the packages that are missing and installs them where that is allowed,
# and configures and builds with one line of progress. It changes nothing but the packages and the folder build/.

chainrule_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# Builds in different folders of this checkout (users' programs in tests/consumer) share what the compiler cache holds.
export CCACHE_BASEDIR="${CCACHE_BASEDIR:-$chainrule_top}" CCACHE_NOHASHDIR="${CCACHE_NOHASHDIR:-1}"

say() { printf '%s\n' "$*" >&2; }

# What each step needs, as Debian names it, and how the same thing is called elsewhere.
build_packages="g++ cmake ninja-build ccache libboost-dev libfmt-dev libeigen3-dev libhwy-dev libdnnl-dev \
libcli11-dev nlohmann-json3-dev zlib1g-dev libzip-dev libpng-dev libjpeg-dev libutf8proc-dev libfast-float-dev"
picture_packages="graphviz fonts-dejavu-core"
test_packages="doctest-dev locales"
onnx_packages="libonnx-dev libprotobuf-dev libonnx-testdata"  # optional: networks from and to other programs
dnf_packages="gcc-c++ cmake ninja-build ccache boost-devel fmt-devel eigen3-devel highway-devel onednn-devel \
cli11-devel json-devel zlib-devel libzip-devel libpng-devel libjpeg-turbo-devel utf8proc-devel fast_float-devel graphviz dejavu-sans-fonts doctest-devel"
brew_packages="cmake ninja ccache boost fmt eigen highway onednn cli11 nlohmann-json zlib libzip libpng jpeg-turbo utf8proc fast_float graphviz doctest libomp"

package_is_there() {  # package_is_there NAME[:KIND]: for this machine's kind unless the name says another
  local name=${1%%:*} kind=${1#*:}
  [ "$kind" != "$1" ] || kind=$(dpkg --print-architecture)
  dpkg-query -W -f '${Architecture} ${db:Status-Status}\n' "$name" 2>/dev/null | grep -xE "($kind|all) installed" >/dev/null
}

# Is everything there that the configure step asks for? Only used where there is no apt.
tools_are_there() {
  local program
  for program in c++ cmake ninja dot; do command -v "$program" >/dev/null || return 1; done
}

need() {  # need PACKAGE...: makes sure that these Debian packages are there, or says what to install and exits with 4
  if ! command -v dpkg-query >/dev/null; then
    tools_are_there && return 0
    give_up "programs are missing (c++, cmake, ninja or dot)" "$@"
  fi
  local missing=() package as_root=()
  for package in "$@"; do package_is_there "$package" || missing+=("$package"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  if ! command -v apt-get >/dev/null; then give_up "missing packages: ${missing[*]}" "$@"; fi
  if [ "$(id -u)" -ne 0 ]; then
    if ! sudo -n true 2>/dev/null; then give_up "missing packages, and no right to install them: ${missing[*]}" "$@"; fi
    as_root=(sudo -n)
  fi
  say "Installing with apt-get: ${missing[*]}"
  local log
  log=$(mktemp)
  if ! install_packages "$log" "${missing[@]}"; then
    # The lists of a fresh machine are empty or old.
    "${as_root[@]}" apt-get update -qq >>"$log" 2>&1 || true
    if ! install_packages "$log" "${missing[@]}"; then
      tail -n 5 "$log" >&2
      rm -f "$log"
      give_up "apt-get could not install: ${missing[*]}" "$@"
    fi
  fi
  rm -f "$log"
}

install_packages() {  # install_packages LOG PACKAGE...; uses as_root of its caller
  local log=$1
  shift
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >"$log" 2>&1 </dev/null
}

give_up() {  # give_up REASON PACKAGE...
  local reason=$1
  shift
  say "chainrule: $reason. Install the packages and run this again:"
  say "  Debian, Ubuntu:  apt-get install --no-install-recommends $*"
  say "  Fedora:          dnf install $dnf_packages"
  say "  macOS:           brew install $brew_packages"
  exit 4
}

cores() { getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2; }

build() {  # build PRESET [TARGET...]: configures and builds; the log's end is shown when it fails, and 1 returned
  local preset=$1 log="$chainrule_top/build/$1.log" start=$SECONDS targets=()
  shift
  [ $# -eq 0 ] || targets=(--target "$@")
  mkdir -p "$chainrule_top/build"
  say "Configuring (preset $preset) ..."
  if ! (cd "$chainrule_top" && cmake --preset "$preset") >"$log" 2>&1 </dev/null; then
    tail -n 40 "$log" >&2
    say "Configuring failed; the whole log is in build/$preset.log"
    return 1
  fi
  sed -n '/^-- chainrule /,/sanitizers/p' "$log" >&2
  say "Building with $(cores) jobs; the log is build/$preset.log"
  if ! (cd "$chainrule_top" && NINJA_STATUS='[%f/%t] ' cmake --build --preset "$preset" -j "$(cores)" "${targets[@]}") \
      2>&1 </dev/null | tee -a "$log" | progress; then
    grep -nE '(error|warning|FAILED|undefined reference)' "$log" | head -n 20 >&2
    tail -n 40 "$log" >&2
    say "Building failed; the whole log is in build/$preset.log"
    return 1
  fi
  say "Built in $((SECONDS - start)) s."
}

# Shows "[12/80] ..." in place on a terminal, and about ten lines in a log.
progress() {
  grep --line-buffered -v 'Re-checking globbed directories' | show_progress || true
}

show_progress() {
  if [ -t 2 ] && [ "${TERM:-dumb}" != dumb ]; then
    awk '/^\[[0-9]+\/[0-9]+\]/ { printf "\r\033[K%.100s", $0 > "/dev/stderr"; fflush("/dev/stderr"); any = 1 }
         END { if (any) printf "\r\033[K" > "/dev/stderr" }'
  else
    awk '/^\[[0-9]+\/[0-9]+\]/ { split(substr($1, 2), part, /[\/\]]/); share = int(10 * part[1] / part[2])
           if (share > last || !any) { print "  " part[1] " of " part[2] > "/dev/stderr"; fflush("/dev/stderr"); last = share; any = 1 } }'
  fi
}
