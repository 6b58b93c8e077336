/* Uploads the files of ResumableFileInput in pieces, by the tus protocol 1.0.0.
 *
 * The listeners are the document's own, so rows that are added to a page later need nothing. What
 * the form sends in the end is the name of the finished upload, in the place of the file.
 */
"use strict";

(() => {
    const VERSION = "1.0.0";
    const OFFSET_TYPE = "application/offset+octet-stream";
    const STORED = "mongo_storage.upload:";
    const LARGEST_PIECE = 16 * 1024 * 1024;
    const FAST = 700; // milliseconds; pieces that take less grow
    const STALLED = 60000; // without a byte sent or an answer, the connection counts as gone
    const ATTEMPTS = 12; // without a byte more, before one is asked
    const LONGEST_WAIT = 30000;

    /** What is going on, or has ended, at each widget. */
    const transfers = new Map();

    /** An answer, or the lack of one, that ends the upload or is worth another attempt. */
    class Problem extends Error {
        constructor(status, message) {
            super(message);
            this.status = status;
        }

        get isFinal() {
            return this.status >= 400 && this.status < 500 && ![408, 409, 423, 425, 460].includes(this.status);
        }

        get isGone() {
            return this.status === 404 || this.status === 410;
        }
    }

    /** What a browser keeps beyond a reload of the page, if it may. */
    const memory = {
        get(key) {
            try {
                return localStorage.getItem(STORED + key);
            } catch {
                return null;
            }
        },
        set(key, value) {
            try {
                localStorage.setItem(STORED + key, value);
            } catch {
                // Then it is not resumed after a reload.
            }
        },
        remove(key) {
            try {
                localStorage.removeItem(STORED + key);
            } catch {
                // It was never there.
            }
        },
    };

    /** The parts of one widget. */
    class Box {
        constructor(element) {
            this.element = element;
            this.input = element.querySelector("input[type=file]");
            this.token = element.querySelector("[data-resumable-token]");
            this.bar = element.querySelector("[data-resumable-bar]");
            this.progress = this.bar.querySelector("progress");
            this.amount = element.querySelector("[data-resumable-amount]");
            this.retry = element.querySelector("[data-resumable-retry]");
            this.status = element.querySelector("[data-resumable-status]");
        }

        text(name) {
            return this.element.dataset[`text${name}`];
        }

        get name() {
            return this.token.name.replace(/-upload$/, "");
        }

        say(text) {
            if (this.status.textContent !== text) {
                this.status.textContent = text;
            }
        }

        /** Nothing is uploaded; the file, if there is one, would be sent with the form. */
        clear() {
            this.token.value = "";
            this.input.name = this.name;
            this.bar.hidden = true;
            this.retry.hidden = true;
            this.element.classList.remove("resumable-upload-failed");
        }

        show(sent, size) {
            this.bar.hidden = false;
            const percent = size ? Math.floor((sent / size) * 100) : 100;
            this.progress.value = percent;
            this.amount.textContent = `${percent} % (${megabytes(sent)} / ${megabytes(size)} MB)`;
            return percent;
        }

        /** The form sends the upload's name in the place of the file. */
        finish(token) {
            this.token.value = token;
            this.input.removeAttribute("name");
            this.input.required = false;
        }
    }

    function megabytes(bytes) {
        return (bytes / 1e6).toLocaleString(undefined, {
            minimumFractionDigits: 1,
            maximumFractionDigits: 1,
        });
    }

    /** Metadata are base64 of UTF-8. */
    function encoded(text) {
        const bytes = new TextEncoder().encode(text);
        return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
    }

    /** One file on its way. */
    class Transfer {
        constructor(box, file) {
            this.box = box;
            this.file = file;
            this.form = box.input.form;
            this.endpoint = new URL(box.element.dataset.url, document.baseURI);
            this.key = [location.pathname, box.name, file.name, file.size, file.lastModified].join("|");
            this.smallest = Number(box.element.dataset.pieceSize);
            this.piece = this.smallest;
            this.largest = Math.max(LARGEST_PIECE, this.smallest);
            this.state = "running";
            this.url = null;
            this.offset = 0;
            this.said = -1;
        }

        async run() {
            this.state = "running";
            this.box.retry.hidden = true;
            this.box.element.classList.remove("resumable-upload-failed");
            this.report(0);
            hold(this.form);
            try {
                await this.persevere();
            } finally {
                release(this.form);
            }
        }

        async persevere() {
            let failures = 0;
            while (this.state === "running") {
                try {
                    await this.locate();
                    while (this.offset < this.file.size) {
                        await this.send();
                        failures = 0;
                    }
                    return this.done();
                } catch (problem) {
                    if (this.state !== "running") {
                        return undefined;
                    }
                    if (!(problem instanceof Problem)) {
                        this.fail("");
                        throw problem;
                    }
                    failures += 1;
                    if (failures > ATTEMPTS) {
                        return this.fail(problem.message);
                    }
                    if (problem.isGone && this.url) {
                        this.forget();
                    } else if (problem.status === 413 && this.url && this.piece > this.smallest / 16) {
                        // A proxy takes no such bodies; what is too large for us never began.
                        this.largest = this.piece = Math.ceil(this.piece / 2);
                    } else if (problem.isFinal) {
                        return this.fail(problem.message);
                    } else {
                        this.piece = Math.min(this.smallest, this.largest);
                        this.box.say(this.box.text("Waiting"));
                        this.said = -1;
                        await this.pause(Math.min(500 * 2 ** (failures - 1), LONGEST_WAIT));
                    }
                }
            }
            return undefined;
        }

        /** Find out where to go on: a new upload, or one of before. */
        async locate() {
            const known = this.url || memory.get(this.key);
            if (known) {
                this.url = known;
                const answer = await this.request("HEAD", this.url);
                if (Number(answer.header("Upload-Length")) === this.file.size) {
                    this.offset = Number(answer.header("Upload-Offset"));
                    return;
                }
                this.forget();
            }
            const answer = await this.request("POST", this.endpoint.href, {
                "Upload-Length": String(this.file.size),
                "Upload-Metadata": `filename ${encoded(this.file.name)},filetype ${encoded(this.file.type)}`,
            });
            // A proxy that the site does not know may have changed the scheme: the path counts.
            const there = new URL(answer.header("Location"), this.endpoint);
            this.url = this.endpoint.origin + there.pathname;
            this.offset = 0;
            memory.set(this.key, this.url);
        }

        async send() {
            const start = this.offset;
            const body = this.file.slice(start, start + this.piece);
            const began = performance.now();
            const answer = await this.request(
                "PATCH",
                this.url,
                { "Upload-Offset": String(start), "Content-Type": OFFSET_TYPE },
                body,
                (sent) => this.report(start + sent),
            );
            this.offset = Number(answer.header("Upload-Offset"));
            if (!(this.offset > start)) {
                throw new Problem(0, "");
            }
            this.report(this.offset);
            if (performance.now() - began < FAST) {
                this.piece = Math.min(this.piece * 2, this.largest);
            }
        }

        request(method, url, headers = {}, body = null, progress = null) {
            return new Promise((resolve, reject) => {
                const xhr = new XMLHttpRequest();
                this.xhr = xhr;
                let timer;
                const alive = () => {
                    clearTimeout(timer);
                    timer = setTimeout(() => xhr.abort(), STALLED);
                };
                const lost = () => reject(new Problem(0, ""));
                xhr.open(method, url);
                xhr.setRequestHeader("Tus-Resumable", VERSION);
                for (const [name, value] of Object.entries(headers)) {
                    xhr.setRequestHeader(name, value);
                }
                const csrf = this.form && this.form.querySelector("[name=csrfmiddlewaretoken]");
                if (csrf) {
                    xhr.setRequestHeader(this.box.element.dataset.csrfHeader, csrf.value);
                }
                xhr.upload.onprogress = (event) => {
                    alive();
                    if (progress) {
                        progress(event.loaded);
                    }
                };
                xhr.onloadend = () => clearTimeout(timer);
                xhr.onerror = lost;
                xhr.onabort = lost;
                xhr.onload = () => {
                    if (xhr.status >= 200 && xhr.status < 300) {
                        resolve({ header: (name) => xhr.getResponseHeader(name) });
                        return;
                    }
                    const type = xhr.getResponseHeader("Content-Type") || "";
                    const text = type.startsWith("text/plain") ? xhr.responseText.trim() : "";
                    reject(new Problem(xhr.status, text));
                };
                alive();
                xhr.send(body);
            });
        }

        pause(milliseconds) {
            return new Promise((resolve) => {
                const wake = () => {
                    clearTimeout(timer);
                    window.removeEventListener("online", wake);
                    resolve();
                };
                const timer = setTimeout(wake, milliseconds);
                window.addEventListener("online", wake);
                this.wake = wake;
            });
        }

        /** Show how far it is; say it aloud at every quarter. */
        report(sent) {
            const percent = this.box.show(Math.min(sent, this.file.size), this.file.size);
            const quarter = Math.floor(percent / 25);
            if (quarter > this.said && quarter < 4) {
                this.said = quarter;
                this.box.say(`${this.box.text("Uploading")} ${this.file.name}: ${percent} %`);
            }
        }

        done() {
            this.state = "done";
            this.box.show(this.file.size, this.file.size);
            this.box.finish(decodeURIComponent(this.url.slice(this.url.lastIndexOf("/") + 1)));
            this.box.say(`${this.box.text("Done")} ${this.file.name}`);
        }

        fail(reason) {
            this.state = "failed";
            this.box.bar.hidden = false;
            this.box.retry.hidden = false;
            this.box.element.classList.add("resumable-upload-failed");
            this.box.say(`${this.box.text("Failed")} ${reason}`.trim());
        }

        forget() {
            memory.remove(this.key);
            this.url = null;
            this.offset = 0;
        }

        /** End it, here and on the server. */
        stop() {
            const { url } = this;
            this.state = "stopped";
            if (this.xhr) {
                this.xhr.abort();
            }
            if (this.wake) {
                this.wake();
            }
            this.forget();
            if (url) {
                this.request("DELETE", url).catch(() => {
                    // What is not claimed expires.
                });
            }
        }
    }

    // The buttons of a form while something of it is on its way.

    const held = new Map();

    function submitters(form) {
        return [...form.elements].filter((element) => element.type === "submit" && !element.disabled);
    }

    function hold(form) {
        if (!form) {
            return;
        }
        const entry = held.get(form) || { count: 0, buttons: [] };
        entry.count += 1;
        for (const button of submitters(form)) {
            button.disabled = true;
            entry.buttons.push(button);
        }
        held.set(form, entry);
    }

    function release(form) {
        const entry = form && held.get(form);
        if (!entry) {
            return;
        }
        entry.count -= 1;
        if (entry.count === 0) {
            for (const button of entry.buttons) {
                button.disabled = false;
            }
            held.delete(form);
        }
    }

    // What people do.

    function boxOf(element) {
        const found = element instanceof Element && element.closest("[data-resumable]");
        return found ? new Box(found) : null;
    }

    function end(box) {
        const transfer = transfers.get(box.element);
        if (transfer) {
            transfers.delete(box.element);
            transfer.stop();
        } else if (box.token.value) {
            // A form that is shown again has an upload of before.
            const before = new Transfer(box, new File([], ""));
            before.url = before.endpoint.href + box.token.value;
            before.stop();
        }
        box.clear();
    }

    document.addEventListener("change", (event) => {
        const box = boxOf(event.target);
        if (!box || event.target !== box.input) {
            return;
        }
        end(box);
        box.say("");
        const [file] = box.input.files;
        if (file) {
            const transfer = new Transfer(box, file);
            transfers.set(box.element, transfer);
            transfer.run();
        }
    });

    document.addEventListener("click", (event) => {
        const box = boxOf(event.target);
        if (!box) {
            return;
        }
        if (event.target.closest("[data-resumable-cancel]")) {
            end(box);
            box.input.value = "";
            box.say(box.text("Cancelled"));
            box.input.focus();
        } else if (event.target.closest("[data-resumable-retry]")) {
            const transfer = transfers.get(box.element);
            if (transfer && transfer.state === "failed") {
                transfer.run();
            }
        }
    });

    document.addEventListener("reset", (event) => {
        for (const element of event.target.querySelectorAll("[data-resumable]")) {
            end(new Box(element));
        }
    });

    document.addEventListener(
        "submit",
        (event) => {
            for (const [element, transfer] of transfers) {
                if (event.target.contains(element) && ["running", "failed"].includes(transfer.state)) {
                    event.preventDefault();
                    event.stopPropagation();
                    if (transfer.state === "failed") {
                        transfer.box.retry.focus();
                    }
                    return;
                }
            }
        },
        true,
    );

    // A row of the admin's inlines that was taken away.
    document.addEventListener("formset:removed", () => {
        for (const [element, transfer] of transfers) {
            if (!element.isConnected) {
                transfers.delete(element);
                transfer.stop();
            }
        }
    });
})();
