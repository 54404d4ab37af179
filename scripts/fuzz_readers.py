"""Fuzz each reader of files for some time; ``scripts/fuzz`` calls this."""

import argparse
import subprocess
import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "helpers"))

LIMITS = ("-rss_limit_mb=1024", "-timeout=20", "-max_len=65536")
"""MB of memory, seconds for one file, bytes of a file."""


def main() -> int:
    """Fuzz the readers that the arguments name, one after the other; return the exit status."""
    from readers import READERS

    parser = argparse.ArgumentParser(prog="scripts/fuzz")
    parser.add_argument("readers", nargs="*", metavar="NAME", help=" ".join(sorted(READERS)))
    parser.add_argument("--minutes", type=float, default=1.0, help="for each reader")
    parser.add_argument("--seed", type=int, default=0, help="0 for another at each call")
    options = parser.parse_args()
    if unknown := set(options.readers) - set(READERS):
        parser.error(f"NAME must be one of {', '.join(READERS)}, got {', '.join(unknown)}")
    harmed = []
    for name in options.readers or READERS:
        corpus = ROOT / "build" / "fuzz" / name
        corpus.mkdir(parents=True, exist_ok=True)
        for i, data in enumerate(READERS[name].seeds(name)):
            (corpus / f"seed{i}").write_bytes(data)
        print(f"scripts/fuzz: {name} for {options.minutes:g} minutes", flush=True)
        command = [sys.executable, "-P", __file__, "--one", name, str(corpus), *LIMITS]
        command += [f"-max_total_time={max(1, round(options.minutes * 60))}"]
        command += [f"-seed={options.seed}", f"-artifact_prefix={corpus.parent}/{name}-"]
        process = subprocess.run(command, capture_output=True, text=True)
        *_, last = [line for line in process.stderr.splitlines() if line.startswith("Done")] or [""]
        if process.returncode:
            harmed.append(name)
            print(process.stdout[-3000:] + process.stderr[-3000:])
        print(f"scripts/fuzz: {name}: {last or 'a file did harm: see above'}", flush=True)
    print(f"scripts/fuzz: {len(harmed)} readers were harmed {' '.join(harmed)}".rstrip())
    return 1 if harmed else 0


def fuzz_one(name: str, arguments: list[str]) -> None:
    """Fuzz one reader in this process, which libFuzzer ends."""
    import atheris

    with atheris.instrument_imports(include=["cynn"]):
        import readers
    folder = Path(arguments[0] + ".read")
    folder.mkdir(exist_ok=True)

    def one(data: bytes) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            readers.read(name, data, folder)

    atheris.Setup([sys.argv[0], *arguments], one)
    atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        fuzz_one(sys.argv[2], sys.argv[3:])
    sys.exit(main())
