//! Programs that are run: to their end within a time, or beside this one until they are no longer needed.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    thread,
    time::{Duration, Instant},
};

/// Runs `command` to its end and gives what it printed; an error holds what it said last.
pub(crate) fn output(command: &mut Command, patience: Duration) -> io::Result<String> {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|error| {
            let program = command.get_program().display();
            io::Error::new(error.kind(), format!("{program}: {error}"))
        })?;
    let (said, errors) = (read(child.stdout.take()), read(child.stderr.take()));
    let Ok(said) = said.recv_timeout(patience) else {
        drop((child.kill(), child.wait()));
        return Err(io::Error::other(format!("no end within {} s", patience.as_secs())));
    };
    let status = child.wait()?;
    if status.success() {
        return Ok(said);
    }
    let errors = errors.recv_timeout(patience).unwrap_or_default();
    let last = errors.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    Err(io::Error::other(format!("{}: {status}: {last}", command.get_program().display())))
}

/// Everything that comes out of `pipe`, once it is closed.
fn read(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = sync_channel(1);
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error is all there is.
            let _ = pipe.read_to_end(&mut bytes);
        }
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

/// A program that runs beside this one; it ends with this value.
pub(crate) struct Running {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Running {
    /// Starts `command`, and reads what it prints line by line.
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or_else(|| io::Error::other("a pipe that was asked for"))?;
        let (sender, lines) = sync_channel(LINES);
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // Lines that nobody waits for are read all the same, so that the program is never held up.
                let _ = sender.try_send(line);
            }
        });
        Ok(Self { child, input, lines })
    }

    /// Gives it a line to read.
    pub(crate) fn tell(&mut self, line: &str) -> io::Result<()> {
        let input = self.input.as_mut().ok_or_else(|| io::Error::other("a pipe that was asked for"))?;
        writeln!(input, "{line}")
    }

    /// Waits for a line that contains `sign`.
    pub(crate) fn line(&self, sign: &str, patience: Duration) -> io::Result<String> {
        let until = Instant::now() + patience;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) if line.contains(sign) => return Ok(line),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return Err(io::Error::other(format!("no line says `{sign}`"))),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(io::Error::other(format!("ended without saying `{sign}`")));
                }
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        drop((self.child.kill(), self.child.wait()));
    }
}

/// How many lines are kept until they are asked for.
const LINES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn what_a_program_prints_and_why_it_failed() {
        let patience = Duration::from_secs(20);
        assert_eq!(output(&mut sh("echo yes"), patience).unwrap(), "yes\n");
        let error = output(&mut sh("echo why >&2; exit 3"), patience).unwrap_err().to_string();
        assert!(error.ends_with(": why") && error.contains('3'), "{error}");
    }

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        let error = output(&mut sh("exec sleep 600"), Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.to_string(), "no end within 0 s");
    }

    #[test]
    fn a_line_is_waited_for() {
        let running = Running::start(&mut sh("echo one; echo two")).unwrap();
        assert_eq!(running.line("tw", Duration::from_secs(20)).unwrap(), "two");
        assert!(running.line("three", Duration::from_secs(20)).is_err());
    }

    #[test]
    fn a_program_is_told_something() {
        let mut running = Running::start(&mut sh("read line; echo $line, yes")).unwrap();
        running.tell("drain").unwrap();
        assert_eq!(running.line("yes", Duration::from_secs(20)).unwrap(), "drain, yes");
    }
}
