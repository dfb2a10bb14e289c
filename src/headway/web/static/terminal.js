// A terminal inside what runs of a service: asks the panel for a console, and stands between its command and who sits here.

const WITH_REASON = 1008; // with which a panel closes, and says why
const PIECE = 2_048; // bytes: a panel takes messages of 4 KiB
const MOST_UNTAKEN = 16; // pieces that the command has not taken yet
const MOST_UNSHOWN = 8 << 20; // bytes that came and are not drawn yet: more are left out, or this page would grow without end
const LEFT_OUT = "\r\n[more than this page can show at once is left out here]\r\n";
const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
const [INPUT, TAKEN, WINDOW, OUTPUT, ERRORS, END] = [..."ikwoex"].map((letter) => letter.charCodeAt(0));

// Style elements that a script writes are refused on our pages, and so are style attributes: what the terminal says by them is
// said by the ways that scripts are given for it.
function styled(own) {
  const make = (name, ...rest) => {
    if (name !== "style") return own.createElement(name, ...rest);
    const sheet = new CSSStyleSheet();
    own.adoptedStyleSheets.push(sheet);
    const stand = own.createElement("template");
    Object.defineProperty(stand, "textContent", { set: (text) => sheet.replaceSync(text) });
    stand.remove = () => (own.adoptedStyleSheets = own.adoptedStyleSheets.filter((each) => each !== sheet));
    return stand;
  };
  return new Proxy(own, {
    get(_, name) {
      if (name === "createElement") return make;
      const found = Reflect.get(own, name, own);
      return typeof found === "function" ? found.bind(own) : found;
    },
    set: (_, name, value) => Reflect.set(own, name, value, own),
  });
}

HTMLSpanElement.prototype.setAttribute = function (name, value) {
  if (name === "style") this.style.cssText = value;
  else Element.prototype.setAttribute.call(this, name, value);
};

// The colours of the page, as they are now.
function theme(box) {
  const probe = box.appendChild(document.createElement("span"));
  const colour = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const found = { background: colour("sunken"), foreground: colour("text"), cursor: colour("accent"), cursorAccent: colour("sunken"), selectionBackground: colour("soft") };
  for (const name of COLOURS) found[name] = found[`bright${name[0].toUpperCase()}${name.slice(1)}`] = colour(name);
  probe.remove();
  return found;
}

class Session {
  // A command, from its beginning to its end; ``told`` hears how it goes: a sentence, and its tone.
  constructor(box, told) {
    this.box = box;
    this.told = told;
    this.unsent = [];
    this.untaken = 0;
    this.unshown = 0;
    this.end = null;
    this.text = new TextEncoder();
    this.terminal = new Terminal({
      documentOverride: styled(document),
      fontFamily: getComputedStyle(box).fontFamily,
      fontSize: 13,
      lineHeight: 1.2,
      scrollback: 5_000,
      theme: theme(box),
      minimumContrastRatio: 4.5,
      linkHandler: { activate() {} }, // what a program calls a link leads nowhere
    });
    this.terminal.open(box);
    this.terminal.attachCustomKeyEventHandler((event) => this.isForTerminal(event));
    this.terminal.onData((data) => this.type(this.text.encode(data)));
    this.terminal.onBinary((data) => this.type(Uint8Array.from(data, (each) => each.charCodeAt(0))));
    this.terminal.onResize(() => this.sendWindow());
    this.fit();
    this.sizes = new ResizeObserver(() => this.fit());
    this.sizes.observe(box);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.recolour = () => (this.terminal.options.theme = theme(box));
    this.scheme.addEventListener("change", this.recolour);
  }

  async begin(operation, given) {
    const { rows, cols } = this.terminal;
    try {
      const answer = await fetch(`/api/${operation}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ ...given, rows, columns: cols, terminal: "xterm-256color" }),
      });
      const found = await answer.json();
      if (!answer.ok) return this.over(found.message, "bad");
      if (this.end) return;
      this.socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}${found.path}`);
    } catch {
      return this.over("The panel does not answer. Try again.", "bad");
    }
    this.socket.binaryType = "arraybuffer";
    this.socket.addEventListener("open", () => {
      this.sendWindow();
      this.told("It is open.", "good");
      this.terminal.focus();
    });
    this.socket.addEventListener("message", (event) => this.hear(new Uint8Array(event.data)));
    this.socket.addEventListener("close", (event) => {
      const why = event.code === WITH_REASON && event.reason ? event.reason : "The connection to the panel broke, and the command was ended.";
      this.over(why, "bad");
    });
  }

  hear(message) {
    const data = message.subarray(1);
    if (message[0] === OUTPUT || message[0] === ERRORS) this.show(data);
    else if (message[0] === TAKEN) {
      this.untaken -= 1;
      this.send();
    } else if (message[0] === END) this.hearEnd(JSON.parse(new TextDecoder().decode(data)));
  }

  hearEnd({ status, error }) {
    if (error) this.over(error, "bad");
    else if (status < 0) this.over(`The command was ended by signal ${-status}.`, "warn");
    else this.over(status === 0 ? "The command has ended." : `The command has ended with exit status ${status}.`, status === 0 ? "good" : "warn");
  }

  show(data) {
    if (this.unshown > MOST_UNSHOWN) {
      this.isLeavingOut = true;
      return;
    }
    if (this.isLeavingOut) this.terminal.write(LEFT_OUT);
    this.isLeavingOut = false;
    this.unshown += data.length;
    this.terminal.write(data, () => (this.unshown -= data.length));
  }

  type(bytes) {
    if (this.end) return;
    for (let at = 0; at < bytes.length; at += PIECE) this.unsent.push(bytes.subarray(at, at + PIECE));
    this.send();
  }

  send() {
    while (this.unsent.length && this.untaken < MOST_UNTAKEN && this.isOpen) {
      this.untaken += 1;
      this.say(INPUT, this.unsent.shift());
    }
  }

  sendWindow() {
    if (!this.isOpen) return;
    const size = new DataView(new ArrayBuffer(4));
    size.setUint16(0, this.terminal.rows);
    size.setUint16(2, this.terminal.cols);
    this.say(WINDOW, new Uint8Array(size.buffer));
  }

  say(kind, data) {
    const message = new Uint8Array(data.length + 1);
    message[0] = kind;
    message.set(data, 1);
    this.socket.send(message);
  }

  // As many rows and columns as there is room for.
  fit() {
    const screen = this.box.querySelector(".xterm-screen").getBoundingClientRect();
    const { rows, cols } = this.terminal;
    if (!screen.width || !screen.height) return;
    const bar = this.box.querySelector(".xterm-viewport");
    const width = bar.clientWidth - 1, height = this.box.clientHeight - 2 * parseFloat(getComputedStyle(this.box).paddingTop);
    this.terminal.resize(Math.max(20, Math.floor((width * cols) / screen.width)), Math.max(5, Math.floor((height * rows) / screen.height)));
  }

  isForTerminal(event) {
    if (event.type === "keydown" && event.key === "Escape" && event.shiftKey) {
      document.querySelector("[data-terminal-end], [data-terminal-open]:not([hidden])")?.focus();
      return false;
    }
    if (!event.ctrlKey || event.key.toLowerCase() !== "c" || !this.terminal.hasSelection()) return true;
    // What is marked is copied, by the browser where it would do so itself; without a mark the key is the command's.
    if (event.type === "keydown") {
      if (event.shiftKey) navigator.clipboard?.writeText(this.terminal.getSelection());
      setTimeout(() => this.terminal.clearSelection());
    }
    return false;
  }

  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN && !this.end;
  }

  over(why, tone) {
    if (this.end) return;
    this.end = why;
    this.terminal.options.disableStdin = true;
    this.told(why, tone, true);
    this.socket?.close();
  }

  close() {
    this.scheme.removeEventListener("change", this.recolour);
    this.sizes.disconnect();
    this.terminal.dispose();
  }
}

const form = document.querySelector("form[data-terminal]");
const box = document.querySelector("[data-terminal-box]");
const said = document.querySelector("[data-terminal-said]");
const open = form?.querySelector("[data-terminal-open]");
const end = form?.querySelector("[data-terminal-end]");
let session = null;

function told(text, tone, isOver = false) {
  said.textContent = text;
  said.className = `log-said tone-${tone}`;
  said.hidden = false;
  open.hidden = !isOver;
  end.hidden = isOver;
  if (isOver && [document.body, null].includes(document.activeElement)) open.focus();
}

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  if (session && !session.end) return; // its command would run on, and nobody would see it
  session?.close();
  box.hidden = false;
  session = new Session(box, told);
  told("It is being opened.", "busy");
  const given = { ...JSON.parse(form.dataset.given), command: form.elements.command.value.trim().split(/\s+/) };
  const of = form.elements.of?.value;
  if (of) given[form.dataset.of] = of;
  session.begin(form.dataset.terminal, given);
});
end?.addEventListener("click", () => {
  session?.over("It was ended from here.", "warn");
});
addEventListener("beforeunload", (event) => {
  if (session && !session.end) event.preventDefault();
});
