# Sourced by the other scripts: goes to the repository's root and gives `prepare FILE...`, which makes .venv and
# installs those requirement files into it, unless that has been done.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
    echo "listenpost: $*" >&2
    exit 1
}

is_supported() {
    "$@" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

find_python() {
    local name
    for name in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if is_supported "$name"; then
            command -v "$name"
            return
        fi
    done
    return 1
}

apt_install() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    echo "installing $* with apt-get"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } \
        >>"$log" 2>&1
}

# For tests in a browser, which say themselves that they need it. Debian's, as no other build of it is a package.
find_browser() {
    command -v chromium || command -v chromium-browser
}

prepare_browser() {
    local log=$PWD/var/log/setup.log
    find_browser >/dev/null || (
        flock 9
        find_browser >/dev/null || apt_install chromium ||
            echo "listenpost: no Chromium, so tests/browser cannot pass: sudo apt install chromium" >&2
    ) 9>>var/log/setup.lock
}

# For the examples of docs/api.md, which are run as they stand.
prepare_curl() {
    local log=$PWD/var/log/setup.log
    command -v curl >/dev/null || (
        flock 9
        command -v curl >/dev/null || apt_install curl ||
            echo "listenpost: no curl, so tests/flows/test_api_page.py cannot pass: sudo apt install curl" >&2
    ) 9>>var/log/setup.lock
}

# The stamp holds the Python version and the place: a .venv of another version, or one that was moved, is made anew.
venv_is_ours() {
    [ -f .venv/stamps/made ] && is_supported .venv/bin/python &&
        [ "$(cat .venv/stamps/made)" = "$(.venv/bin/python -V) $PWD" ]
}

make_venv() {
    local python version
    if ! python=$(find_python); then
        apt_install python3 python3-venv || apt_install python3.11 python3.11-venv || true
        python=$(find_python) || fail "Python 3.11, 3.12 or 3.13 is needed (sudo apt install python3 python3-venv)"
    fi
    version=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
    rm -rf .venv 2>>"$log" || fail "$PWD/.venv cannot be replaced by $(id -un): remove it"
    if command -v uv >/dev/null && uv venv --quiet --python "$python" .venv >>"$log" 2>&1; then
        :
    elif "$python" -c 'import ensurepip' 2>/dev/null ||
        apt_install python3-venv || apt_install "$version-venv"; then
        "$python" -m venv .venv >>"$log" 2>&1 || fail "$python cannot make $PWD/.venv, see $log"
    elif "$python" -m pip --version >/dev/null 2>&1; then
        "$python" -m venv --without-pip .venv >>"$log" 2>&1 || fail "$python cannot make $PWD/.venv, see $log"
    else
        fail "Python lacks its venv module: sudo apt install python3-venv"
    fi
    mkdir -p .venv/stamps
    echo "$(.venv/bin/python -V) $PWD" >.venv/stamps/made
}

pip_install() {
    if .venv/bin/python -m pip --version >/dev/null 2>&1; then
        .venv/bin/python -m pip install --quiet "$@" >>"$log" 2>&1
    else
        "$(find_python)" -m pip --python .venv/bin/python install --quiet "$@" >>"$log" 2>&1
    fi
}

# uv is ten times as quick; where it cannot be had or does not get through, pip does the same.
install_file() {
    local uv
    uv=$(command -v uv || ls .venv/bin/uv 2>/dev/null) || { pip_install uv && uv=.venv/bin/uv; } || uv=
    if [ -n "$uv" ] && "$uv" pip install --quiet --python .venv/bin/python -r "$1" >>"$log" 2>&1; then
        return
    fi
    pip_install -r "$1"
}

prepare() {
    local file log wanted
    log=$PWD/var/log/setup.log
    mkdir -p var/log 2>/dev/null && : >>"$log" || fail "$PWD/var cannot be written by $(id -un)"
    # uv does not read pip's settings; an index of one's own should hold for both.
    [ -z "${PIP_INDEX_URL:-}" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$PIP_INDEX_URL}"
    (
        flock 9 # two scripts at once: the second waits for the first one's .venv
        venv_is_ours || make_venv
        wanted=$(cat requirements*.txt | sha256sum | cut -c1-16)
        for file in "$@"; do
            [ ! -f ".venv/stamps/$file.$wanted" ] || continue
            echo "installing $file"
            install_file "$file" || fail "$file could not be installed; is the package index reachable? $(last_error) (see $log)"
            touch ".venv/stamps/$file.$wanted"
        done
    ) 9>>var/log/setup.lock
}

last_error() {
    grep -iE 'error|fail' "$log" | tail -1 | cut -c1-200
}
