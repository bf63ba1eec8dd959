//! The machine's secrets: environment variables, files, commands. The only place that reads them.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use connector::{Environment, Secret, SecretError};
use secrecy::SecretString;

use crate::config::quoted;

/// Longest secret, in bytes: keys and certificates are far smaller.
const MAX_BYTES: u64 = 64 * 1024;

/// A command has this many looks of this length to finish: 10 s.
const LOOKS: u32 = 200;
const LOOK: Duration = Duration::from_millis(50);

/// Secrets as the operating system keeps them. Each is read when asked for, so that a rotated one is found. Reading a
/// command blocks for as long as it runs, at most 10 s.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEnvironment;

impl Environment for SystemEnvironment {
    fn read(&self, secret: &Secret) -> Result<SecretString, SecretError> {
        match secret {
            Secret::Env(name) => from_variable(name),
            Secret::File(path) => from_file(path),
            Secret::Command(argv) => from_command(argv, LOOKS),
        }
    }
}

fn error(code: &'static str, message: String, help: impl Into<String>) -> SecretError {
    SecretError { code, message, help: help.into() }
}

fn from_variable(name: &str) -> Result<SecretString, SecretError> {
    let unusable = |why: &str| {
        error(
            "E021",
            format!("environment variable {name} {why}"),
            "export it where Ferry is started, or use { file = … } or { command = … }",
        )
    };
    match std::env::var(name) {
        Ok(value) if value.is_empty() => Err(unusable("is empty")),
        Ok(value) => Ok(value.into()),
        Err(std::env::VarError::NotPresent) => Err(unusable("is not set")),
        Err(std::env::VarError::NotUnicode(_)) => Err(unusable("is not UTF-8 text")),
    }
}

fn from_file(path: &Path) -> Result<SecretString, SecretError> {
    let shown = path.display();
    let unreadable = |why: &str| {
        error(
            "E022",
            format!("secret file \"{shown}\" cannot be read: {why}"),
            "the path is relative to sync.toml; Ferry's user must own the file",
        )
    };
    let io = |failure: std::io::Error| unreadable(&failure.kind().to_string());
    // Looked at before it is opened: opening a pipe would wait for a writer.
    if !std::fs::metadata(path).map_err(io)?.is_file() {
        return Err(unreadable("it is not a file"));
    }
    let file = File::open(path).map_err(io)?;
    if let Some(mode) = readable_by_others(&file).map_err(io)? {
        return Err(error(
            "E022",
            format!("secret file \"{shown}\" is readable by others (mode {mode:04o})"),
            format!("chmod 600 \"{shown}\""),
        ));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
    text(bytes).map_err(unreadable)
}

/// The mode, if group or world may read, write or execute the file.
#[cfg(unix)]
fn readable_by_others(file: &File) -> std::io::Result<Option<u32>> {
    use std::os::unix::fs::MetadataExt;
    let mode = file.metadata()?.mode() & 0o7777;
    Ok((mode & 0o077 != 0).then_some(mode))
}

#[cfg(not(unix))]
fn readable_by_others(_file: &File) -> std::io::Result<Option<u32>> {
    Ok(None)
}

/// What was read, without one line end.
fn text(bytes: Vec<u8>) -> Result<SecretString, &'static str> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err("more than 64 KiB");
    }
    let mut text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text")?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    if text.is_empty() { Err("it is empty") } else { Ok(text.into()) }
}

fn from_command(argv: &[String], looks: u32) -> Result<SecretString, SecretError> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(error(
            "E023",
            "a secret command without a program".into(),
            "command = [\"program\", \"argument\"]",
        ));
    };
    let failed = |why: String| {
        error(
            "E023",
            format!("secret command {} {why}", quoted(program)),
            "run it by hand as Ferry's user; it gets only PATH and HOME, and no shell",
        )
    };
    let mut command = Command::new(program);
    command.args(arguments).env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Without HOME, password stores and key agents do not find their files.
    for name in ["PATH", "HOME"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    let mut child = command.spawn().map_err(|failure| failed(format!("cannot be started: {}", failure.kind())))?;
    let stdout = child.stdout.take().map(collect);
    let stderr = child.stderr.take().map(collect);
    let ended = wait(&mut child, stdout, stderr, looks);
    // Whatever it was, nothing of it stays behind; a child that has ended is not there to be killed.
    let _ = child.kill();
    let _ = child.wait();
    let Some((status, out, err)) = ended.map_err(|failure| failed(format!("cannot be watched: {}", failure.kind())))?
    else {
        return Err(failed("did not finish within 10 s".into()));
    };
    if !status.success() {
        let how = status.code().map_or_else(|| "was killed".to_owned(), |code| format!("exited {code}"));
        return Err(failed(format!("{how}: {}", first_line(&err))));
    }
    text(out).map_err(|why| failed(format!("gave nothing usable: {why}")))
}

/// Reads a stream to its end on a thread of its own, at most [`MAX_BYTES`] and one more.
fn collect(stream: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before a failure is judged like any output.
        let _ = stream.take(MAX_BYTES + 1).read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    receiver
}

type Ended = (ExitStatus, Vec<u8>, Vec<u8>);

/// Waits for both outputs to end and the child to exit; `None` if that takes too long. A child that writes more than is
/// read would wait for ever: its outputs end for us, and it is given up.
fn wait(
    child: &mut Child,
    stdout: Option<Receiver<Vec<u8>>>,
    stderr: Option<Receiver<Vec<u8>>>,
    mut looks: u32,
) -> std::io::Result<Option<Ended>> {
    let mut outputs = Vec::with_capacity(2);
    for stream in [stdout, stderr].into_iter().flatten() {
        loop {
            match stream.recv_timeout(LOOK) {
                Ok(bytes) => break outputs.push(bytes),
                Err(RecvTimeoutError::Disconnected) => break outputs.push(Vec::new()),
                Err(RecvTimeoutError::Timeout) if looks > 0 => looks -= 1,
                Err(RecvTimeoutError::Timeout) => return Ok(None),
            }
        }
    }
    let (_never, pause) = channel::<()>();
    while looks > 0 {
        if let Some(status) = child.try_wait()? {
            let err = outputs.pop().unwrap_or_default();
            return Ok(Some((status, outputs.pop().unwrap_or_default(), err)));
        }
        looks -= 1;
        let _ = pause.recv_timeout(LOOK);
    }
    Ok(None)
}

/// The first line of what a command complained about. Its output is the secret and is never shown.
fn first_line(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    match text.lines().map(str::trim).find(|line| !line.is_empty()) {
        Some(line) => quoted(line),
        None => "it said nothing".into(),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use secrecy::ExposeSecret;

    use super::*;

    fn file(content: &[u8], mode: u32) -> (tempfile::TempDir, Secret) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (folder, Secret::File(path))
    }

    fn sh(script: &str) -> Secret {
        Secret::Command(vec!["sh".into(), "-c".into(), script.into()])
    }

    fn value(secret: &Secret) -> String {
        SystemEnvironment.read(secret).unwrap().expose_secret().to_owned()
    }

    fn refused(secret: &Secret) -> (&'static str, String) {
        let error = SystemEnvironment.read(secret).unwrap_err();
        assert!(!error.help.is_empty());
        (error.code, error.message)
    }

    #[test]
    fn variables() {
        assert!(!value(&Secret::Env("PATH".into())).is_empty());
        let (code, message) = refused(&Secret::Env("FERRY_TEST_NO_SUCH_VARIABLE".into()));
        assert_eq!((code, message.as_str()), ("E021", "environment variable FERRY_TEST_NO_SUCH_VARIABLE is not set"));
    }

    #[test]
    fn files_lose_one_line_end() {
        for (content, want) in [("s3cret\n", "s3cret"), ("s3cret\r\n", "s3cret"), ("a\n\n", "a\n"), ("x y", "x y")] {
            let (_folder, secret) = file(content.as_bytes(), 0o600);
            assert_eq!(value(&secret), want);
        }
    }

    #[test]
    fn files_that_others_can_read_are_refused() {
        for mode in [0o644, 0o640, 0o604, 0o660] {
            let (_folder, secret) = file(b"s3cret", mode);
            let (code, message) = refused(&secret);
            assert_eq!(code, "E022");
            assert!(message.ends_with(&format!("is readable by others (mode {mode:04o})")), "{message}");
            assert!(!message.contains("s3cret"));
        }
    }

    #[test]
    fn unusable_files_say_why() {
        let big = vec![b'x'; 64 * 1024 + 1];
        for (content, why) in
            [(&b""[..], "it is empty"), (b"\n", "it is empty"), (b"\xff", "not UTF-8"), (&big, "64 KiB")]
        {
            let (_folder, secret) = file(content, 0o600);
            let (code, message) = refused(&secret);
            assert!(code == "E022" && message.contains(why), "{message}");
        }
        let folder = tempfile::tempdir().unwrap();
        assert!(refused(&Secret::File(folder.path().into())).1.ends_with("it is not a file"));
        assert!(refused(&Secret::File(folder.path().join("none"))).1.contains("not found"));
    }

    #[test]
    fn commands_give_their_output() {
        assert_eq!(value(&sh("echo s3cret; echo noise >&2")), "s3cret");
        assert_eq!(value(&Secret::Command(vec!["printf".into(), "%s".into(), "a b; echo c".into()])), "a b; echo c");
    }

    #[test]
    fn commands_get_only_path_and_home() {
        // `sh` itself sets a few names; nothing that cargo exports to this test may be among what it was given.
        let names = value(&Secret::Command(vec!["env".into()]));
        assert!(names.lines().all(|line| line.starts_with("PATH=") || line.starts_with("HOME=")), "{names}");
    }

    #[test]
    fn failing_commands_show_the_first_line_of_their_complaint_only() {
        let (code, message) = refused(&sh("echo s3cret; echo 'entry not found' >&2; echo more >&2; exit 1"));
        assert_eq!((code, message.as_str()), ("E023", "secret command \"sh\" exited 1: \"entry not found\""));
        assert!(refused(&sh("exit 3")).1.ends_with("exited 3: it said nothing"));
        assert!(refused(&sh("true")).1.ends_with("gave nothing usable: it is empty"));
        assert!(refused(&Secret::Command(vec!["/no/such/program".into()])).1.contains("cannot be started"));
        assert!(refused(&Secret::Command(Vec::new())).1.contains("without a program"));
        assert!(refused(&sh("kill -9 $$")).1.contains("was killed"));
    }

    #[test]
    fn commands_that_do_not_end_are_given_up() {
        for script in ["exec cat /dev/zero >/dev/null", "exec >&- 2>&-; exec cat /dev/zero >/dev/null"] {
            let error = from_command(&["sh".into(), "-c".into(), script.into()], 3).unwrap_err();
            assert_eq!(
                (error.code, error.message.as_str()),
                ("E023", "secret command \"sh\" did not finish within 10 s")
            );
        }
    }

    #[test]
    fn endless_output_is_cut() {
        let (code, message) = refused(&Secret::Command(vec!["yes".into()]));
        assert_eq!(code, "E023");
        assert!(
            message.contains("was killed") || message.contains("64 KiB") || message.contains("exited"),
            "{message}"
        );
    }
}
