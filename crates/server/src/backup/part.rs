//! A file that gets its name only when it is whole and on the disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Bytes collected before they are written.
const BUFFER_BYTES: usize = 1024 * 1024;

/// See the module. Dropped before [`Part::complete`] it leaves nothing; a killed process leaves `NAME.part`, which
/// the next one replaces.
#[derive(Debug)]
pub struct Part {
    out: Option<BufWriter<File>>,
    path: PathBuf,
    target: PathBuf,
}

impl Part {
    /// Begins a file for its owner alone.
    ///
    /// # Errors
    /// What the file system says; `AlreadyExists` if the name is taken.
    pub fn begin(target: &Path) -> io::Result<Self> {
        if target.symlink_metadata().is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let mut name = target.as_os_str().to_owned();
        name.push(".part");
        let path = PathBuf::from(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let out = Some(BufWriter::with_capacity(BUFFER_BYTES, file));
        Ok(Self { out, path, target: target.to_owned() })
    }

    /// Gives it its name, with everything on the disk.
    ///
    /// # Errors
    /// What the file system says.
    pub fn complete(mut self) -> io::Result<()> {
        if let Some(out) = &mut self.out {
            out.flush()?;
            out.get_ref().sync_all()?;
        }
        fs::rename(&self.path, &self.target)?;
        self.out = None;
        let parent = self.target.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.as_mut().map_or(Err(io::ErrorKind::BrokenPipe.into()), |out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Some(out) = self.out.take() {
            // Nothing of it is wanted any more: neither what is buffered nor the file.
            let (_file, _buffered) = out.into_parts();
            if let Err(error) = fs::remove_file(&self.path) {
                tracing::warn!(%error, path = %self.path.display(), "an unfinished file is left behind");
            }
        }
    }
}
