//! Tests of the program as a separate process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// A process that is killed when its test ends.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // Has already ended unless an assertion failed.
        let _ = self.0.kill();
    }
}

#[test]
fn the_program_prints_its_address_serves_requests_and_stops_on_sigterm() {
    let mut program = Program(
        Command::new(env!("CARGO_BIN_EXE_twilio-simulator"))
            .args(["--bind", "127.0.0.1:0", "--instant"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut lines = BufReader::new(program.0.stdout.take().unwrap()).lines();
    let address = lines
        .find_map(|line| line.unwrap().split_once("http://").map(|(_, it)| it.to_owned()))
        .unwrap();

    let mut connection = TcpStream::connect(address).unwrap();
    let request =
        "GET /simulator/api/state HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    connection.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    connection.read_to_string(&mut response).unwrap();
    assert!(
        response.starts_with("HTTP/1.1 200") && response.contains("Acme Simulator"),
        "{response}"
    );

    let kill = format!("kill -TERM {}", program.0.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    assert!(program.0.wait().unwrap().success());
}

#[test]
fn the_error_for_a_port_in_use_names_the_address() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let bind = taken.local_addr().unwrap().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_twilio-simulator"))
        .args(["--bind", &bind])
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && error.contains(&bind), "{error}");
}
