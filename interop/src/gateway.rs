//! The gateway under test: built from this workspace, in front of [`Backends`].

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    admin::Admin,
    backend::Backend,
    backends::{Backends, PATIENCE, filled, free_udp_port},
    program::Running,
    provision,
};

/// A running gateway and the backends behind it; all end with this value.
pub(crate) struct Gateway {
    port: u16,
    admin: Admin,
    authority: PathBuf,
    backends: Backends,
    program: Running,
}

impl Gateway {
    /// Starts the backends, then the gateway, and waits until it says that it is ready. `directory` has the certificates.
    pub(crate) fn start(directory: &Path) -> io::Result<Self> {
        let quicgate = provision::build("quicgate", "quicgate")?;
        let backends = Backends::start()?;
        let port = free_udp_port()?;
        let values = [
            ("port", port.to_string()),
            ("demo", backends.demo_port.to_string()),
            ("backend", backends.backend.port().to_string()),
            ("dir", directory.display().to_string()),
        ];
        let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
        let (file, admin) = (directory.join("gateway.yaml"), directory.join("admin"));
        fs::write(&file, filled(include_str!("gateway.yaml"), &values))?;
        let mut command = Command::new(&quicgate);
        command.arg("-c").arg(&file).arg("--admin-address-path").arg(&admin).args(["--log-level", "error"]);
        let program = Running::start(&mut command)?;
        program.line("ready in", PATIENCE)?;
        let authority = directory.join("ca.crt");
        Ok(Self { port, admin: Admin::at(&admin)?, authority, backends, program })
    }

    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// The authority that signed its certificate.
    pub(crate) fn authority(&self) -> &Path {
        &self.authority
    }

    pub(crate) fn backend(&self) -> &Backend {
        &self.backends.backend
    }

    /// Asks the clients to go, while what is in flight goes on.
    pub(crate) fn drain(&self) -> io::Result<()> {
        self.admin.drain()
    }

    /// The response flags that it logged for the request for `path`.
    pub(crate) fn logged_flags(&self, path: &str) -> io::Result<String> {
        let line = self.program.line(&format!("access {path} "), PATIENCE)?;
        Ok(line.rsplit(' ').next().unwrap_or_default().to_owned())
    }
}
