//! A seller's file: a copy that nobody changes meanwhile, read as often as it is needed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use chrono::{DateTime, Utc};
use encoding_rs::Encoding;
use encoding_rs_io::DecodeReaderBytesBuilder;
use sha2::{Digest as _, Sha256};

use super::encoding::{self, Recognised};

/// The largest file that is taken, in bytes.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;
const BUFFER: usize = 64 * 1024;

/// The file.
pub(super) struct Source {
    copy: File,
    pub(super) encoding: Recognised,
    /// SHA-256 of its bytes, in hex.
    pub(super) digest: String,
    /// When it was last written; `None` for what is no file of a disk.
    pub(super) modified: Option<DateTime<Utc>>,
}

impl Source {
    /// Copies the file and recognises its encoding, unless that is told; `language` is that of unmarked columns.
    pub(super) fn open(path: &Path, told: Option<&'static Encoding>, language: &str) -> Result<Self> {
        let mut file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let about = file.metadata()?;
        let modified = about.is_file().then(|| about.modified().ok()).flatten().map(DateTime::from);
        let mut copy = tempfile::tempfile().context("copying the file")?;
        let (mut hasher, mut bytes, mut buffer) = (Sha256::new(), 0_u64, vec![0; BUFFER]);
        loop {
            let read = match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).context(format!("cannot read {}", path.display())),
            };
            bytes += u64::try_from(read)?;
            if bytes > FILE_BYTES_MAX {
                bail!("the file is larger than 256 MiB: import it in parts");
            }
            hasher.update(&buffer[..read]);
            copy.write_all(&buffer[..read]).context("copying the file")?;
        }
        let digest = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let encoding = encoding::recognise(&copy, told, language)?;
        Ok(Self { copy, encoding, digest, modified })
    }

    /// The text from its beginning on. What cannot be read as the encoding is U+FFFD.
    pub(super) fn text(&self) -> io::Result<Box<dyn BufRead + Send>> {
        let mut copy = self.copy.try_clone()?;
        copy.rewind()?;
        let decoded = DecodeReaderBytesBuilder::new()
            .encoding(Some(self.encoding.encoding))
            .bom_override(true)
            .strip_bom(true)
            .build(copy);
        Ok(Box::new(BufReader::with_capacity(BUFFER, decoded)))
    }
}
