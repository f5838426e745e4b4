// A worker of catalog.rs: the same program once more, which runs the cases that it is sent, one after the other.
import init, { Cases } from "/wasm-bindgen-test.js";

let cases;

self.onmessage = async ({ data: index }) => {
  try {
    self.postMessage(await cases.run(index));
  } catch (error) {
    self.postMessage(`FAILED: ${Cases.panic() ?? error}`);
  }
};

await init({ module_or_path: new URL("/wasm-bindgen-test_bg.wasm", import.meta.url) });
cases = new Cases();
self.postMessage("ready");
