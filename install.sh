#!/usr/bin/env bash
# Installs Helix. Says each step before it takes it; running it again repairs or updates, and loses nothing.
#
#   ./install.sh              for you: an environment of its own, and `helix` on the PATH
#   ./install.sh --dev        for work on Helix: .venv/ in this checkout, with all that the tests need
#   ./install.sh --uninstall  takes the environment and the command away; your data and settings stay
#
# HELIX_PYTHON names the Python to use (3.11 or newer), HELIX_HOME the environment's folder.
set -euo pipefail

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
home=${HELIX_HOME:-${XDG_DATA_HOME:-$HOME/.local/share}/helix/app}

say() { printf '%s\n' "$*"; }
die() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }

find_python() {
  local candidate
  for candidate in "${HELIX_PYTHON:-}" python3.13 python3.12 python3.11 python3; do
    [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 || continue
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  die "Python 3.11 or newer is needed and none was found; install one, or name it in HELIX_PYTHON"
}

make_environment() { # folder, lock file
  local python
  python=$(find_python)
  say "1. environment: $1 ($("$python" --version))"
  "$python" -m venv "$1" || die "python could not make an environment; on Debian: apt-get install python3-venv"
  say "2. dependencies, each checked against its hash: $(basename "$2")"
  "$1/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$2"
}

# A folder that is on the PATH and ours to write; else ~/.local/bin, which is then added to ~/.profile.
command_folder() {
  local folder
  for folder in "$HOME/.local/bin" "$HOME/bin" /usr/local/bin; do
    case ":$PATH:" in *":$folder:"*) [ -w "$folder" ] && { say "$folder"; return; } ;; esac
  done
  say "$HOME/.local/bin"
}

put_on_path() {
  local folder
  folder=$(command_folder)
  mkdir -p "$folder"
  if [ -e "$folder/helix" ] && [ ! -L "$folder/helix" ]; then
    die "$folder/helix is there and is not ours; move it away and run this again"
  fi
  ln -sfn "$home/bin/helix" "$folder/helix"
  say "4. command: $folder/helix"
  case ":$PATH:" in
    *":$folder:"*) ;;
    *)
      # shellcheck disable=SC2016  # $HOME and $PATH are for the profile to expand
      local line='export PATH="$HOME/.local/bin:$PATH"  # added by Helix'
      grep -qsF "$line" "$HOME/.profile" || printf '%s\n' "$line" >>"$HOME/.profile"
      say "   $folder was not on the PATH: added to ~/.profile. In this shell: export PATH=\"$folder:\$PATH\""
      ;;
  esac
}

install_for_user() {
  make_environment "$home" "$checkout/requirements.lock"
  say "3. helix-gateway, from $checkout"
  "$home/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --force-reinstall "$checkout"
  put_on_path
  say
  say "Done. Try it: helix serve --demo"
}

install_for_work() {
  make_environment "$checkout/.venv" "$checkout/requirements-dev.lock"
  say "3. helix-gateway, editable, from $checkout"
  "$checkout/.venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e "$checkout"
  say
  say "Done. Check it: .ci/check"
}

uninstall() {
  local folder
  for folder in "$HOME/.local/bin" "$HOME/bin" /usr/local/bin; do
    if [ -L "$folder/helix" ] && [ "$(readlink "$folder/helix")" = "$home/bin/helix" ]; then
      say "removing $folder/helix"
      rm "$folder/helix"
    fi
  done
  if [ -e "$home/pyvenv.cfg" ]; then
    say "removing $home"
    rm -rf "$home"
  fi
  say "Done. Settings and data stay: helix.toml in your config folder, spend and cache in your data folder."
}

case "${1:-}" in
  "") install_for_user ;;
  --dev) install_for_work ;;
  --uninstall) uninstall ;;
  *) die "usage: ./install.sh [--dev | --uninstall]" ;;
esac
