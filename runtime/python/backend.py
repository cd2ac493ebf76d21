"""Builds the wheel of `flashcore` (PEP 517 and 660), with nothing but the standard library.

    pip install runtime/python                                     from the tree, with what its build/ has
    pip wheel runtime/python -w dist -C build=../../build-dev      with the binaries of another build

The wheel holds the package and, where they are built, the runtime library (`flashcore/_lib`) and `fcc`
(`flashcore/_bin`); then it is a wheel of this platform, for any Python 3. Without a library it is refused, since nothing
in it would run. The files of a wheel are in order and bear no time, so the same tree gives the same bytes.
"""
import base64
import hashlib
import io
import os
import pathlib
import sysconfig
import tarfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NAME, VERSION = "flashcore", "0.1.0"
LIBRARY = "libflashcore_runtime.so"
EXECUTABLE = 0o755
TIME = (1980, 1, 1, 0, 0, 0)


def _build_folder(settings):
    """The build whose binaries go in: what the settings say, else the first of the tree that has the library."""
    said = (settings or {}).get("build") or os.environ.get("FLASHCORE_BUILD")
    folders = [pathlib.Path(said)] if said else [ROOT / "build", ROOT / "build-dev"]
    for folder in folders:
        folder = folder if folder.is_absolute() else (HERE / folder)
        if (folder / "lib" / LIBRARY).exists():
            return folder
    raise SystemExit(f"flashcore: error: no {LIBRARY} in {' or '.join(map(str, folders))}; build it first "
                     "(`ninja -C build flashcore_runtime fcc`), or say where with `-C build=FOLDER`")


def _package():
    """(name in the wheel, content) of the package's own files."""
    for path in sorted((HERE / "flashcore").rglob("*")):
        if path.suffix == ".py" or path.name == "py.typed":
            yield path.relative_to(HERE).as_posix(), path.read_bytes()


def _metadata():
    lines = ["Metadata-Version: 2.1", f"Name: {NAME}", f"Version: {VERSION}",
             "Summary: Attention kernels from their formula to PTX, on a GPU or on an emulator",
             "License: Apache-2.0", "Requires-Python: >=3.9", "Classifier: Typing :: Typed",
             "Description-Content-Type: text/markdown", "", (HERE / "README.md").read_text()]
    return "\n".join(lines).encode()


def _tag():
    return "py3-none-" + sysconfig.get_platform().replace("-", "_").replace(".", "_")


def _write(directory, files):
    """A wheel of {name: (content, mode)}; returns its file name."""
    info = f"{NAME}-{VERSION}.dist-info"
    files = dict(files)
    files[f"{info}/METADATA"] = (_metadata(), 0o644)
    files[f"{info}/WHEEL"] = (f"Wheel-Version: 1.0\nGenerator: {NAME}\nRoot-Is-Purelib: false\nTag: {_tag()}\n".encode(), 0o644)
    files[f"{info}/LICENSE"] = ((ROOT / "LICENSE").read_bytes(), 0o644)
    record = ""
    for name, (content, _) in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(content)}\n"
    files[f"{info}/RECORD"] = (f"{record}{info}/RECORD,,\n".encode(), 0o644)
    wheel = f"{NAME}-{VERSION}-{_tag()}.whl"
    with zipfile.ZipFile(pathlib.Path(directory, wheel), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (content, mode) in files.items():
            entry = zipfile.ZipInfo(name, TIME)
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return wheel


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    build = _build_folder(config_settings)
    files = {name: (content, 0o644) for name, content in _package()}
    files[f"{NAME}/_lib/{LIBRARY}"] = ((build / "lib" / LIBRARY).read_bytes(), EXECUTABLE)
    compiler = build / "bin" / "fcc"
    if compiler.exists():
        files[f"{NAME}/_bin/fcc"] = (compiler.read_bytes(), EXECUTABLE)
    return _write(wheel_directory, files)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    return _write(wheel_directory, {f"{NAME}.pth": (f"{HERE}\n".encode(), 0o644)})


def build_sdist(sdist_directory, config_settings=None):
    """The package and this file; its wheel is built where there is a library."""
    top = f"{NAME}-{VERSION}"
    files = dict(_package())
    for name in ("pyproject.toml", "backend.py", "README.md"):
        files[name] = (HERE / name).read_bytes()
    files["PKG-INFO"] = _metadata()
    with tarfile.open(pathlib.Path(sdist_directory, f"{top}.tar.gz"), "w:gz") as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return f"{top}.tar.gz"
