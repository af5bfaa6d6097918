// The dashboard: listens to the server's events and draws what they say. All text goes in as text, never as markup.

const RETRY_MS = 2000;
const JOBS_SHOWN = 20;

const at = (id) => document.getElementById(id);
const shape = (id) => at(id).content.firstElementChild.cloneNode(true);
const path = (...parts) => "/v1/" + parts.map(encodeURIComponent).join("/");

function count(number, what) {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function putState(element, state) {
  put(element, state);
  element.dataset.state = state;
}

// Makes the children of `parent` those of `values`, in order, reusing the element of each key: focus and scrolling stay.
function reconcile(parent, values, keyOf, make, update) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const value of values) {
    const key = keyOf(value);
    let child = old.get(key);
    if (!child) {
      child = make(value);
      child.dataset.key = key;
    }
    old.delete(key);
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
    update(child, value);
  }
  for (const child of old.values()) child.remove();
}

// ---- asking the server

async function ask(method, url, body, headers = {}) {
  const options = { method, headers: { Accept: "application/json", ...headers } };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(url, options);
  } catch {
    throw new Error("The server can't be reached. Nothing is known of what became of this.");
  }
  const text = await answer.text();
  if (!answer.ok) throw new Error(problemIn(text) || `The server answered ${answer.status}.`);
  return text ? JSON.parse(text) : null;
}

function problemIn(text) {
  try {
    const { detail, title, hint } = JSON.parse(text);
    return [detail || title, hint].filter(Boolean).join(" ");
  } catch {
    return "";
  }
}

// ---- services

let known = { services: [], units: [] };

function drawServices(seen) {
  known = seen;
  put(at("place"), seen.place || "");
  at("problem").hidden = seen.engine.ok;
  const silent = seen.silent || [];
  at("silent").hidden = !silent.length;
  put(at("silent"), silent.map(({ why }) => `${why.replace(/\.$/, "")}. What runs there is not known.`).join(" "));
  if (!seen.engine.ok) {
    put(at("problem"), `${seen.engine.problem} What is shown was seen before.`);
    if (!seen.services.length) return;
  }
  const names = [...new Set(seen.services.map((release) => release.service))];
  const services = at("services");
  if (!names.length) services.replaceChildren(quiet("Nothing runs yet. Deploy… starts the first version."));
  else {
    services.querySelector(":scope > .quiet")?.remove();
    reconcile(services, names, (name) => name, () => shape("service-shape"), drawService);
  }
  at("known").replaceChildren(...names.map((name) => new Option(name)));
}

function quiet(text) {
  const line = document.createElement("p");
  line.className = "quiet";
  line.textContent = text;
  return line;
}

function drawService(article, name) {
  put(article.querySelector("h2"), name);
  article.setAttribute("aria-label", name);
  for (const button of article.querySelectorAll(".buttons button")) {
    button.onclick = () => actions[button.dataset.do](name);
    button.setAttribute("aria-label", `${button.textContent.replace("…", "")} ${name}`);
  }
  const releases = known.services.filter((release) => release.service === name);
  reconcile(article.querySelector(".releases"), releases, keyOfRelease, () => shape("release-shape"), drawRelease);
}

const keyOfRelease = (release) => (release.foreign ? `${release.version} foreign` : release.version);

function drawRelease(section, release) {
  put(section.querySelector("h3"), release.version);
  putState(section.querySelector(".state"), release.state);
  put(section.querySelector(".running"), `${release.running} of ${count(release.instances, "instance")} running`);
  const button = section.querySelector("button");
  button.hidden = release.foreign;
  button.onclick = () => actions.destroy(release.service, release.version, release.instances);
  button.setAttribute("aria-label", `Destroy ${release.service} ${release.version}`);
  const isOfIt = (unit) =>
    unit.service === release.service && unit.version === release.version && unit.foreign === release.foreign;
  const units = known.units.filter(isOfIt);
  const keyOf = (unit) => `${unit.unit} ${unit.machine_id}`;
  reconcile(section.querySelector("tbody"), units, keyOf, makeRow, drawUnit);
}

function makeRow() {
  const row = document.createElement("tr");
  for (let column = 0; column < 4; column += 1) row.append(document.createElement("td"));
  row.children[1].className = "state";
  return row;
}

function drawUnit(row, unit) {
  const [instance, state, machine, port] = row.children;
  put(instance, unit.instance);
  putState(state, unit.state);
  put(machine, unit.machine_ip || (unit.machine_id || "").slice(0, 8) || "–");
  put(port, unit.port === null ? "–" : String(unit.port));
}

// ---- jobs

const jobs = new Map();
const following = new Map();
const WORDS = { deploy: "Deploy", destroy: "Destroy", rollback: "Roll back", scale: "Scale", restart: "Restart" };

function drawJobs() {
  const shown = [...jobs.values()].sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, JOBS_SHOWN);
  if (!shown.length) return;
  at("jobs").querySelector(":scope > .quiet")?.remove();
  reconcile(at("jobs"), shown, (job) => job.id, makeJob, drawJob);
}

function makeJob(job) {
  const item = shape("job-shape");
  const details = item.querySelector("details");
  details.addEventListener("toggle", () => (details.open ? follow(job.id, item) : unfollow(job.id)));
  return item;
}

function drawJob(item, job) {
  putState(item.querySelector(".state"), job.state);
  put(item.querySelector(".what"), [WORDS[job.verb] || job.verb, job.service, job.version].filter(Boolean).join(" "));
  put(item.querySelector(".when"), `${new Date(job.created_at).toLocaleString()} by ${job.by}`);
  const { message = "", hint = "" } = job.error || {};
  for (const [name, text] of [["error", message], ["hint", hint]]) {
    const line = item.querySelector(`.${name}`);
    put(line, text);
    line.hidden = !text;
  }
}

function keep(job) {
  jobs.set(job.id, job);
  drawJobs();
}

// A job's progress: the server sends it from the start, or from where the connection broke.
function follow(id, item) {
  const job = jobs.get(id);
  if (following.has(id) || !job) return;
  const lines = item.querySelector(".lines");
  lines.replaceChildren();
  const source = new EventSource(path("services", job.service, "deploys", id, "events"));
  following.set(id, source);
  source.addEventListener("progress", (event) => addLines(lines, JSON.parse(event.data)));
  source.addEventListener("end", (event) => {
    keep(JSON.parse(event.data));
    source.close();
  });
  source.onerror = () => {
    if (source.readyState !== EventSource.CLOSED || following.get(id) !== source) return;
    following.delete(id);
    setTimeout(() => item.isConnected && item.querySelector("details").open && follow(id, item), RETRY_MS);
  };
}

function unfollow(id) {
  following.get(id)?.close();
  following.delete(id);
}

function addLines(list, { lines }) {
  const below = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  for (const [tone, text] of lines) {
    const line = document.createElement("li");
    line.dataset.tone = tone;
    line.textContent = text;
    list.append(line);
  }
  if (below) list.scrollTop = list.scrollHeight;
}

function openJob(job) {
  keep(job);
  const details = [...at("jobs").children].find((item) => item.dataset.key === job.id)?.querySelector("details");
  if (!details) return;
  details.open = true;
  details.querySelector("summary").focus();
  details.scrollIntoView({ block: "nearest" });
}

// ---- what a person can do

// Asks in a dialog, and does it when they say yes; what the server refuses is shown there and can be mended.
function confirmed({ title, text = "", yes, bad = false, fields = null, act }) {
  const dialog = at("ask");
  const form = dialog.querySelector("form");
  form.reset();
  put(at("ask-title"), title);
  put(at("ask-text"), [text, known.place ? `On ${known.place}.` : ""].filter(Boolean).join(" "));
  put(at("ask-yes"), yes);
  at("ask-yes").hidden = !yes;
  put(at("ask-no"), yes ? "Cancel" : "Close");
  at("ask-yes").dataset.tone = bad ? "bad" : "";
  at("ask-fields").hidden = !fields;
  for (const input of at("ask-fields").querySelectorAll("input")) input.disabled = !fields;
  for (const [name, value] of Object.entries(fields || {})) form.elements[name].value = value;
  at("ask-problem").hidden = true;
  at("ask-no").onclick = () => dialog.close();
  form.onsubmit = (event) => {
    event.preventDefault();
    perform(dialog, form, act);
  };
  dialog.showModal();
  const first = fields ? form.elements[fields.service ? "version" : "service"] : at("ask-no");
  first.focus();
}

async function perform(dialog, form, act) {
  at("ask-yes").disabled = true;
  at("ask-problem").hidden = true;
  try {
    const job = await act(form.elements);
    dialog.close();
    openJob(job);
  } catch (error) {
    put(at("ask-problem"), error.message);
    at("ask-problem").hidden = false;
  } finally {
    at("ask-yes").disabled = false;
  }
}

const actions = {
  deploy(service = "") {
    confirmed({
      title: service ? `Deploy ${service}` : "Deploy",
      yes: "Deploy",
      fields: { service },
      act: (given) => {
        const deploy = { version: given.version.value.trim(), destroy_previous: given.destroy.checked };
        if (given.instances.value) deploy.instance_count = Number(given.instances.value);
        return ask("POST", path("services", given.service.value.trim(), "deploys"), { deploy });
      },
    });
  },

  async rollback(service) {
    let versions;
    try {
      versions = (await ask("GET", path("services", service, "history"))).history.map((entry) => entry.version);
    } catch (error) {
      return told(`Roll back ${service}`, error.message);
    }
    const [now, before] = versions;
    if (!before) return told(`Roll back ${service}`, `${service} ${now} is the only version that is known of.`);
    return confirmed({
      title: `Roll back ${service}`,
      text: `From ${now} to ${before}. All other versions are retired once ${before} runs.`,
      yes: "Roll back",
      act: () => ask("POST", path("services", service, "rollback"), { rollback: { version: before } }),
    });
  },

  destroy(service, version, instances) {
    confirmed({
      title: `Destroy ${service} ${version}`,
      text: `${count(instances, "instance")} will be stopped and removed.`,
      yes: "Destroy",
      bad: true,
      act: () => ask("DELETE", path("services", service, "deploys", version), undefined, { Prefer: "respond-async" }),
    });
  },
};

// A notice: nothing to say yes to.
function told(title, text) {
  confirmed({ title, text, yes: "", act: async () => {} });
}

// ---- the connection

function link(state, text) {
  at("link").dataset.state = state;
  put(at("link"), text);
}

function connect() {
  const source = new EventSource("/v1/events");
  source.onopen = () => {
    link("live", "live");
    ask("GET", `/v1/deploys?limit=${JOBS_SHOWN}`).then((seen) => seen.deploys.forEach(keep), () => {});
  };
  source.addEventListener("services", (event) => drawServices(JSON.parse(event.data)));
  source.addEventListener("job", (event) => keep(JSON.parse(event.data)));
  source.onerror = () => {
    link("lost", "no connection, trying again");
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_MS);
  };
}

at("deploy").onclick = () => actions.deploy();
connect();
