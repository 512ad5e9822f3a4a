//! A terminal for a run that asks.

use std::fs::File;
use std::io::{self, Read};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Where somebody sits, and where the program is.
pub(crate) fn open_terminal() -> (File, File) {
    let seat = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&seat).unwrap();
    unlockpt(&seat).unwrap();
    let name = ptsname(&seat, Vec::new()).unwrap();
    let line = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    (seat.into(), line.into())
}

/// What is to be seen on it, until the program has ended.
pub(crate) struct TerminalScreen(pub(crate) File);

impl Read for TerminalScreen {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // A terminal that nobody writes to any more is an error on some systems.
        Ok(self.0.read(into).unwrap_or_default())
    }
}
