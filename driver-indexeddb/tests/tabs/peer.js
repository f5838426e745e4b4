// The other tab, or the worker, of tabs.rs: the same program once more, which does what it is told through a channel.
import init, { Peer } from "/wasm-bindgen-test.js";

const channel = new BroadcastChannel(new URL(import.meta.url).searchParams.get("channel"));
let peer;
let held;

// What does not go through the driver: a page of another program.
const foreign = {
  // Opens a database and does not let go of it when somebody wants to upgrade.
  hold(name) {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(name);
      request.onsuccess = () => {
        held = request.result;
        resolve();
      };
      request.onerror = () => reject(request.error);
    });
  },
  let_go() {
    held.close();
  },
  close() {
    self.close();
  },
};

channel.onmessage = async ({ data: { id, command, parameters } }) => {
  // An answer; not a command.
  if (command === undefined) return;
  try {
    const act = foreign[command] ?? peer[command].bind(peer);
    channel.postMessage({ id, value: await act(...parameters) });
  } catch (error) {
    channel.postMessage({ id, error: String(error) });
  }
};

await init({ module_or_path: new URL("/wasm-bindgen-test_bg.wasm", import.meta.url) });
peer = new Peer();
channel.postMessage({ id: 0 });
