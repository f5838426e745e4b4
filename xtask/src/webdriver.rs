//! A browser, driven by the WebDriver protocol: as much of it as a test of a page needs.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The member by which the protocol tells an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// The longest that one command may take.
const COMMAND: Duration = Duration::from_secs(600);
/// The longest that anything on a page may take to come about.
const PATIENCE: Duration = Duration::from_secs(60);

/// A headless browser with a profile of its own; closed when it is dropped.
#[derive(Debug)]
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
}

impl Browser {
    /// Starts `chromedriver`, and the browser by it.
    pub(crate) fn start(chromedriver: &Path) -> io::Result<Self> {
        let mut driver = Command::new(chromedriver)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let port = driver.stdout.take().and_then(|pipe| {
            let mut lines = BufReader::new(pipe).lines().map_while(Result::ok);
            let port = lines.find_map(|line| port_of(&line));
            // A driver whose output nobody reads would stop once the pipe is full.
            thread::spawn(move || lines.for_each(drop));
            port
        });
        let mut browser = Self {
            driver,
            port: port.ok_or_else(|| io::Error::other("chromedriver names no port"))?,
            session: String::new(),
        };
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1180,860",
        ];
        let options = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
            "timeouts": { "script": COMMAND.as_millis() as u64 },
        }}});
        let session = browser.send("POST", "/session", &options)?;
        session["sessionId"]
            .as_str()
            .ok_or_else(|| io::Error::other("chromedriver gives no session"))?
            .clone_into(&mut browser.session);
        Ok(browser)
    }

    pub(crate) fn go(&self, address: &str) -> io::Result<()> {
        self.command("url", &json!({ "url": address })).map(drop)
    }

    pub(crate) fn reload(&self) -> io::Result<()> {
        self.command("refresh", &json!({})).map(drop)
    }

    /// Runs the body of a function in the page; a promise that it returns is awaited.
    pub(crate) fn run(&self, body: &str) -> io::Result<Value> {
        self.command("execute/sync", &json!({ "script": body, "args": [] }))
    }

    /// Clicks where a person would, on the element that a CSS selector finds.
    pub(crate) fn click(&self, selector: &str) -> io::Result<()> {
        let element = self.find(selector)?;
        self.command(&format!("element/{element}/click"), &json!({}))
            .map(drop)
    }

    /// Empties a field and types into it.
    pub(crate) fn fill(&self, selector: &str, text: &str) -> io::Result<()> {
        let element = self.find(selector)?;
        self.command(&format!("element/{element}/clear"), &json!({}))?;
        self.command(
            &format!("element/{element}/value"),
            &json!({ "text": text }),
        )
        .map(drop)
    }

    /// Types into whatever has the focus; `\u{e007}` is Enter.
    pub(crate) fn press(&self, keys: &str) -> io::Result<()> {
        let keys: Vec<_> = keys
            .chars()
            .flat_map(|key| {
                ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() }))
            })
            .collect();
        let actions = json!({ "actions": [{ "type": "key", "id": "keys", "actions": keys }] });
        self.command("actions", &actions).map(drop)
    }

    /// Waits until an expression is true in the page.
    pub(crate) fn wait(&self, expression: &str) -> io::Result<()> {
        let start = Instant::now();
        loop {
            let value = self.run(&format!("return {expression}"));
            match value {
                Ok(Value::Bool(true)) => return Ok(()),
                Ok(_) | Err(_) if start.elapsed() < PATIENCE => {
                    thread::sleep(Duration::from_millis(50));
                }
                Ok(value) => {
                    return Err(io::Error::other(format!(
                        "it did not come about that {expression}; it is {value}"
                    )));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Opens another tab and turns to it; gives both, the one it was in first.
    pub(crate) fn open_tab(&self) -> io::Result<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let first = text(&self.send("GET", &self.path("window"), &Value::Null)?);
        let made = self.command("window/new", &json!({ "type": "tab" }))?;
        let second = text(&made["handle"]);
        self.turn_to(&second)?;
        Ok((first, second))
    }

    pub(crate) fn turn_to(&self, tab: &str) -> io::Result<()> {
        self.command("window", &json!({ "handle": tab })).map(drop)
    }

    /// Shows the page as on a screen of this size, dark or light.
    pub(crate) fn look_as(&self, width: u32, height: u32, dark: bool) -> io::Result<()> {
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false }),
        )?;
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.devtools(
            "Emulation.setEmulatedMedia",
            json!({ "features": features }),
        )
    }

    /// Grants the pages of this origin so many bytes; as many as ever where that is `None`.
    pub(crate) fn grant_room(&self, origin: &str, bytes: Option<u64>) -> io::Result<()> {
        let mut parameters = json!({ "origin": origin });
        if let Some(bytes) = bytes {
            parameters["quotaSize"] = bytes.into();
        }
        self.devtools("Storage.overrideQuotaForOrigin", parameters)
    }

    /// What is seen, as a PNG file.
    pub(crate) fn screenshot(&self) -> io::Result<Vec<u8>> {
        let shot = self.send("GET", &self.path("screenshot"), &Value::Null)?;
        shot.as_str()
            .and_then(decode_base64)
            .ok_or_else(|| io::Error::other("chromedriver gives no screenshot"))
    }

    fn devtools(&self, name: &str, parameters: Value) -> io::Result<()> {
        let command = json!({ "cmd": name, "params": parameters });
        self.command("goog/cdp/execute", &command).map(drop)
    }

    fn find(&self, selector: &str) -> io::Result<String> {
        let query = json!({ "using": "css selector", "value": selector });
        let found = self.command("element", &query)?;
        Ok(found[ELEMENT].as_str().unwrap_or_default().to_owned())
    }

    fn path(&self, command: &str) -> String {
        format!("/session/{}/{command}", self.session)
    }

    fn command(&self, command: &str, parameters: &Value) -> io::Result<Value> {
        self.send("POST", &self.path(command), parameters)
    }

    fn send(&self, method: &str, path: &str, parameters: &Value) -> io::Result<Value> {
        let body = match parameters {
            Value::Null => String::new(),
            parameters => parameters.to_string(),
        };
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(COMMAND))?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer: Value = serde_json::from_slice(&body_of(BufReader::new(stream))?)?;
        let value = answer["value"].take();
        match value["error"].as_str() {
            Some(error) => {
                let message = value["message"].as_str().unwrap_or_default();
                let message = message.lines().next().unwrap_or_default();
                Err(io::Error::other(format!("{error}: {message}")))
            }
            None => Ok(value),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let path = format!("/session/{}", self.session);
            self.send("DELETE", &path, &Value::Null).ok();
        }
        self.driver.kill().ok();
        self.driver.wait().ok();
    }
}

/// The port in chromedriver's message that it listens.
fn port_of(line: &str) -> Option<u16> {
    let (_, port) = line.split_once("started successfully on port ")?;
    port.trim_end_matches('.').parse().ok()
}

/// The body of an HTTP response that gives its length.
fn body_of(mut response: impl BufRead) -> io::Result<Vec<u8>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if response.read_line(&mut line)? <= 2 {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let mut body = Vec::new();
    response.take(length).read_to_end(&mut body)?;
    Ok(body)
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0);
    for letter in text.bytes().filter(|letter| *letter != b'=') {
        let digit = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded() {
        assert_eq!(decode_base64("").unwrap(), b"");
        assert_eq!(decode_base64("Zg==").unwrap(), b"f");
        assert_eq!(decode_base64("Zm9v").unwrap(), b"foo");
        assert_eq!(decode_base64("+/+/").unwrap(), [0xfb, 0xff, 0xbf]);
        assert_eq!(decode_base64("a*"), None);
    }

    #[test]
    fn a_body_is_as_long_as_it_says() {
        let response = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}rest";
        assert_eq!(body_of(response.as_slice()).unwrap(), b"{}");
    }

    #[test]
    fn the_port_is_read() {
        let line = "ChromeDriver was started successfully on port 41337.";
        assert_eq!(port_of(line), Some(41337));
        assert_eq!(port_of("Starting ChromeDriver"), None);
    }
}
