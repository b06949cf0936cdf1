//! Generates the wire messages of `anser-proto` from `proto/`, and checks that the committed file is fresh.
//!
//! No `protoc` is needed: protox parses the `.proto` files, prost-build writes Rust, prettyplease formats it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use prost_build::{Config, Module};
use protox::Compiler;

/// Where the `.proto` files stand, from the repository's root.
const SOURCES: &str = "proto";
/// The package compiled, as a folder of [`SOURCES`].
const PACKAGE: &str = "anser/v1";
/// The committed result, from the repository's root.
const GENERATED: &str = "crates/proto/src/generated/anser.v1.rs";

/// Writes the generated file; leaves it untouched when it is fresh already.
pub fn generate() -> Result<()> {
    let fresh = compile()?;
    let path = root().join(GENERATED);
    if fs::read_to_string(&path).is_ok_and(|committed| committed == fresh) {
        return Ok(());
    }
    fs::create_dir_all(path.parent().context("the generated file has a folder")?)?;
    fs::write(&path, fresh).with_context(|| format!("writing {GENERATED}"))
}

/// Fails when the committed file is not what the `.proto` files generate now.
pub fn check() -> Result<()> {
    let fresh = compile()?;
    let committed = fs::read_to_string(root().join(GENERATED))
        .with_context(|| format!("{GENERATED} cannot be read; run `cargo xtask generate`"))?;
    ensure!(
        committed == fresh,
        "{GENERATED} does not match {SOURCES}/{PACKAGE}/*.proto; run `cargo xtask generate` and commit it"
    );
    Ok(())
}

/// The Rust source of the one package, as it should stand in the repository.
fn compile() -> Result<String> {
    let sources = root().join(SOURCES);
    let mut compiler = Compiler::new([&sources])?;
    compiler.include_source_info(true).include_imports(true);
    for file in proto_files(&sources.join(PACKAGE))? {
        compiler.open_file(&file).with_context(|| format!("compiling {}", file.display()))?;
    }

    let package = Module::from_protobuf_package_name(&PACKAGE.replace('/', "."));
    let requests = compiler
        .file_descriptor_set()
        .file
        .into_iter()
        .map(|file| (package.clone(), file))
        .collect();
    let mut config = Config::new();
    // Byte fields share the received buffer: content passes through without a copy.
    config.bytes(["."]);
    // Rare, and large: a message that nothing altered pays no more than a pointer for it.
    config.boxed(".anser.v1.Message.altered");
    config.boxed(".anser.v1.Message.forwarded");
    config.boxed(".anser.v1.Message.files");
    // Written by hand, so that no log shows a token.
    config.skip_debug([".anser.v1.Hello"]);
    let mut generated = config.generate(requests)?;
    generated.remove(&package).context("the package generates no code")
}

/// The package's files in name order, so that the result does not depend on the file system.
fn proto_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The repository's root: the folder above this crate.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
