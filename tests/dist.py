"""Build the package and try it: `python -m tests.dist` (what `make dist` does).

The wheel and the source archive are built into dist/, their metadata is read strictly, and each is installed into an
empty environment in a temporary folder, where it shows its demo and trains. Behind the command may stand other Pythons.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from zipfile import ZipFile

from packaging.metadata import Metadata

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
TRIED = (
    ("--version",),
    ("demo", "--help"),
    ("demo", "--no-browser"),
    ("train", "smoke", "--no-doctor", "--quiet", "t_max=20_000", "warmup_env_steps=10_000"),
    ("runs",),
)
"""What a stranger's first commands are."""


def build(out: Path) -> list[Path]:
    """The wheel and the source archive, built into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    for kind in ("wheel", "sdist"):
        run([sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(out)], ROOT)
    return [*out.glob("*.whl"), *out.glob("*.tar.gz")]


def metadata(wheel: Path) -> Metadata:
    """What an index reads of it. Raises ExceptionGroup where it would refuse it."""
    with ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Metadata.from_email(archive.read(name), validate=True)


def install_and_try(package: Path, python: str = sys.executable) -> None:
    """Install it beside nothing else, and type a stranger's first commands in a folder of their own."""
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "venv"
        run([python, "-m", "venv", str(home)], Path(place))
        pip = [str(home / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
        run([*pip, "--constraint", str(ROOT / "constraints.txt"), "torch"], Path(place))
        run([*pip, "--constraint", str(ROOT / "constraints.txt"), str(package)], Path(place))
        for words in TRIED:
            run([str(home / "bin" / "lockstep"), *words], Path(place))


def run(command: list[str], folder: Path) -> None:
    """Run a command there, and say which."""
    print("$", " ".join(command), flush=True)
    subprocess.run(command, cwd=folder, check=True)


def main() -> None:
    """Build, look, and try; with Pythons named, on each of those; with --built, what lies in dist/ already."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pythons", nargs="*", default=[sys.executable], help="python3.12 python3.13, ...")
    parser.add_argument("--built", action="store_true", help="build nothing")
    asked = parser.parse_args()
    packages = sorted(DIST.glob("lockstep_marl-*"), reverse=True)
    if not asked.built:
        for old in packages:
            old.unlink()
        packages = build(DIST)
    for package in packages:
        print(f"{package.name}: {package.stat().st_size / 1e6:.2f} MB")
        if package.suffix == ".whl":
            print(f"{metadata(package).name}: metadata as an index wants it")
    for python in asked.pythons:
        for package in packages:
            install_and_try(package, python)


if __name__ == "__main__":
    main()
