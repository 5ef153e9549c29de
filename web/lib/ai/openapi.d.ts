/** Written by `npm run types` from openapi.json: do not edit. */

export interface paths {
    "/api/artifacts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The tenant's artifacts, newest first */
        get: operations["list_own_api_artifacts_get"];
        put?: never;
        post?: never;
        /**
         * Delete the tenant's artifacts
         * @description All of them only where it is said: a forgotten parameter must not delete anything.
         */
        delete: operations["delete_many_api_artifacts_delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/artifacts/{artifact}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What is known of an artifact */
        get: operations["show_api_artifacts__artifact__get"];
        put?: never;
        post?: never;
        /** Delete an artifact */
        delete: operations["delete_api_artifacts__artifact__delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/caller": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whom the credentials speak for
         * @description Whom the credentials speak for, and for which services: null is every one.
         */
        get: operations["caller_api_caller_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/image-to-image": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make a picture from a picture and words */
        post: operations["endpoint_api_image_to_image_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/image-to-text": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Describe a picture, answer a question about it, or read its text */
        post: operations["endpoint_api_image_to_text_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/limits": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The limits and what is left */
        get: operations["limits_api_limits_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/speech-to-text": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Write down what a recording says */
        post: operations["endpoint_api_speech_to_text_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/text-to-image": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make pictures from words */
        post: operations["endpoint_api_text_to_image_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/text-to-speech": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Speak a text */
        post: operations["endpoint_api_text_to_speech_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the month came to */
        get: operations["usage_api_usage_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/usage/days": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What each day of the month came to */
        get: operations["usage_days_api_usage_days_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/voices": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The tenant's own voices */
        get: operations["list_own_api_voices_get"];
        put?: never;
        /** Make a voice from a recording, with the consent of who speaks in it */
        post: operations["create_api_voices_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/voices/{voice}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What is known of a voice */
        get: operations["show_api_voices__voice__get"];
        put?: never;
        post?: never;
        /** Delete a voice and its recording */
        delete: operations["delete_api_voices__voice__delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/voices/{voice}/recording": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The recording that a voice is learnt from
         * @description The recording, as it is kept.
         */
        get: operations["hear_api_voices__voice__recording_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/artifacts/{artifact}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A stored file, or the part of it that Range names
         * @description The bytes: for a signed link as it is, else for a token of its tenant and service.
         */
        get: operations["content_artifacts__artifact__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How everything is */
        get: operations["health_report_health_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audio/speech": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Speak a text */
        post: operations["endpoint_v1_audio_speech_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audio/transcriptions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Write down what a recording says */
        post: operations["endpoint_v1_audio_transcriptions_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audio/translations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Write down in English what a recording says */
        post: operations["endpoint_v1_audio_translations_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/chat/completions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Describe a picture, or answer a question about it */
        post: operations["endpoint_v1_chat_completions_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/images/edits": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make a picture from a picture and words */
        post: operations["endpoint_v1_images_edits_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/images/generations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make pictures from words */
        post: operations["endpoint_v1_images_generations_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/images/variations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make variations of a picture */
        post: operations["endpoint_v1_images_variations_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/models": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The models that are ready */
        get: operations["models_v1_models_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/models/{model}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One model
         * @description One of them, by its id; under a name that stands for another, or for each service's own, what is said of it
         *     carries that name.
         */
        get: operations["model_v1_models__model__get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/ocr": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Read the text in a picture */
        post: operations["endpoint_v1_ocr_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** _Choice */
        _Choice: {
            delta?: components["schemas"]["_Delta"] | null;
            /** Finish Reason */
            finish_reason?: string | null;
            /**
             * Index
             * @default 0
             */
            index: number;
            message?: components["schemas"]["_Delta"] | null;
        };
        /** _Delta */
        _Delta: {
            /** Content */
            content?: string | null;
            /** Role */
            role?: string | null;
        };
        /**
         * ArtifactEntry
         * @description What is known of an artifact. url: a signed link. expires_at: null where it is kept until it is deleted.
         *     service: which one made it; null where its request's usage record is not written yet, or deleted.
         */
        ArtifactEntry: {
            /** Bytes */
            bytes: number;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Expires At */
            expires_at: string | null;
            /** Id */
            id: string;
            /** Media Type */
            media_type: string;
            /** Request Id */
            request_id: string;
            /** Service */
            service: string | null;
            /** Sha256 */
            sha256: string;
            /** Url */
            url: string;
        };
        /**
         * ArtifactPage
         * @description Newest first. next: what to send as `after` for the page that follows; null on the last.
         */
        ArtifactPage: {
            /** Artifacts */
            artifacts: components["schemas"]["ArtifactEntry"][];
            /** Next */
            next: string | null;
        };
        /**
         * CallerAnswer
         * @description services: what the credentials are for; null is every one.
         */
        CallerAnswer: {
            /** Services */
            services: string[] | null;
            /** Tenant */
            tenant: string;
            /** User */
            user: string | null;
        };
        /**
         * ChatAnswer
         * @description `chat.completion`, or `chat.completion.chunk` in a stream.
         */
        ChatAnswer: {
            /** Choices */
            choices: components["schemas"]["_Choice"][];
            /** Created */
            created: number;
            /** Id */
            id: string;
            /** Model */
            model: string;
            /**
             * Object
             * @default chat.completion
             */
            object: string;
            usage?: components["schemas"]["UsageAnswer"] | null;
            /** Warnings */
            warnings?: string[] | null;
        };
        /**
         * Consent
         * @description Of who speaks in a recording. statement: word for word. by: their name. at: when they made it.
         */
        Consent: {
            /**
             * At
             * Format: date-time
             */
            at: string;
            /** By */
            by: string;
            /** Statement */
            statement: string;
        };
        /**
         * Deleted
         * @description How many artifacts were deleted.
         */
        Deleted: {
            /** Deleted */
            deleted: number;
        };
        /** HealthReport */
        HealthReport: {
            /** Services */
            services: {
                [key: string]: components["schemas"]["ServiceHealth"];
            };
            /** State */
            state: {
                [key: string]: unknown;
            };
            /**
             * Status
             * @enum {string}
             */
            status: "healthy" | "degraded" | "unhealthy";
            /**
             * Timestamp
             * Format: date-time
             */
            timestamp: string;
        };
        /**
         * ImageDatum
         * @description `seed`, `width` and `height` (pixels) are Atelier's own.
         */
        ImageDatum: {
            /** B64 Json */
            b64_json?: string | null;
            /** Height */
            height?: number | null;
            /** Revised Prompt */
            revised_prompt?: string | null;
            /** Seed */
            seed?: number | null;
            /** Url */
            url?: string | null;
            /** Width */
            width?: number | null;
        };
        /** ImageEntry */
        ImageEntry: {
            /** B64 Json */
            b64_json?: string | null;
            /** Height */
            height: number;
            /** Seed */
            seed: number | null;
            /** Url */
            url?: string | null;
            /** Width */
            width: number;
        };
        /** ImagesAnswer */
        ImagesAnswer: {
            /** Created */
            created: number;
            /** Data */
            data: components["schemas"]["ImageDatum"][];
            /**
             * Model
             * @default
             */
            model: string;
            /**
             * Output Format
             * @default png
             */
            output_format: string;
            /** Size */
            size?: string | null;
            /**
             * @default {
             *       "input_tokens": 0,
             *       "output_tokens": 0,
             *       "total_tokens": 0
             *     }
             */
            usage: components["schemas"]["UsageAnswer"];
            /**
             * Warnings
             * @default []
             */
            warnings: string[];
        };
        /**
         * ImagesBody
         * @description `image_url` is the first picture's link, or its data URI with response_format=b64_json.
         */
        ImagesBody: {
            /** Image Url */
            image_url: string;
            /** Images */
            images: components["schemas"]["ImageEntry"][];
            /** Model */
            model: string;
            /** Request Id */
            request_id: string;
            /** Revised Prompt */
            revised_prompt: string | null;
            /** Service */
            service: string;
            usage: components["schemas"]["Usage"];
            /** Warnings */
            warnings: string[];
        };
        /**
         * LimitAnswer
         * @description service: `*` where it is one sum over all. per: null for concurrent requests. resets_in: seconds.
         */
        LimitAnswer: {
            /** Allowed */
            allowed: number;
            /** Left */
            left: number;
            /**
             * Measure
             * @enum {string}
             */
            measure: "requests" | "units" | "cost" | "concurrent";
            /** Per */
            per: ("second" | "minute" | "hour" | "day" | "month") | null;
            /** Resets In */
            resets_in: number;
            /** Service */
            service: string;
            /** Unit */
            unit: string;
            /** Window Seconds */
            window_seconds: number;
        };
        /** LimitList */
        LimitList: {
            /** Limits */
            limits: components["schemas"]["LimitAnswer"][];
        };
        /**
         * ModelEntry
         * @description A model that is ready, with more than is named here where there is more to tell. loras: those that the caller may
         *     use.
         */
        ModelEntry: {
            /** Clones */
            clones?: boolean | null;
            /** Created */
            created: number;
            /** Id */
            id: string;
            /** Languages */
            languages?: string[] | null;
            /** Loras */
            loras?: string[] | null;
            /** Note */
            note?: string | null;
            /**
             * Object
             * @constant
             */
            object: "model";
            /** Owned By */
            owned_by: string;
            /**
             * Service
             * @enum {string}
             */
            service: "text-to-image" | "text-to-speech" | "speech-to-text" | "image-to-image" | "image-to-text";
            /** Services */
            services: ("text-to-image" | "text-to-speech" | "speech-to-text" | "image-to-image" | "image-to-text")[];
            /** Voices */
            voices?: string[] | null;
        } & {
            [key: string]: unknown;
        };
        /** ModelList */
        ModelList: {
            /** Data */
            data: components["schemas"]["ModelEntry"][];
            /**
             * Object
             * @constant
             */
            object: "list";
        };
        /**
         * OcrAnswer
         * @description `lines` in reading order; `rotation`: degrees counter-clockwise that the first page was turned to be read.
         */
        OcrAnswer: {
            /** Lines */
            lines: components["schemas"]["OcrLine"][];
            /**
             * Model
             * @default
             */
            model: string;
            /**
             * Pages
             * @default 1
             */
            pages: number;
            /**
             * Rotation
             * @default 0
             */
            rotation: number;
            /** Text */
            text: string;
            /**
             * @default {
             *       "input_tokens": 0,
             *       "output_tokens": 0,
             *       "total_tokens": 0
             *     }
             */
            usage: components["schemas"]["UsageAnswer"];
            /**
             * Warnings
             * @default []
             */
            warnings: string[];
        };
        /**
         * OcrLine
         * @description `box`: the four corners (x, y) in pixels of the picture as sent, clockwise from the line's top left.
         *
         *     In a PDF they are in points (1/72 inch) from the upper left of `page`, which counts from 1.
         */
        OcrLine: {
            /** Box */
            box: [
                number,
                number
            ][];
            /** Confidence */
            confidence: number;
            /**
             * Page
             * @default 1
             */
            page: number;
            /** Text */
            text: string;
        };
        /** Queue */
        Queue: {
            /** Running */
            running: number;
            /** Waiting */
            waiting: number;
        };
        /** ReadingBody */
        ReadingBody: {
            /** Caption */
            caption: string | null;
            /** Model */
            model: string;
            /** Ocr Lines */
            ocr_lines: components["schemas"]["OcrLine"][] | null;
            /** Ocr Text */
            ocr_text: string | null;
            /** Pages */
            pages: number;
            /** Request Id */
            request_id: string;
            /** Rotation */
            rotation: number;
            /** Service */
            service: string;
            usage: components["schemas"]["Usage"];
            /** Warnings */
            warnings: string[];
        };
        /**
         * Segment
         * @description The fields of OpenAI's `verbose_json`, which its clients insist on.
         */
        Segment: {
            /**
             * Avg Logprob
             * @default 0
             */
            avg_logprob: number;
            /**
             * Compression Ratio
             * @default 1
             */
            compression_ratio: number;
            /** End */
            end: number;
            /** Id */
            id: number;
            /**
             * No Speech Prob
             * @default 0
             */
            no_speech_prob: number;
            /**
             * Seek
             * @default 0
             */
            seek: number;
            /** Start */
            start: number;
            /**
             * Temperature
             * @default 0
             */
            temperature: number;
            /** Text */
            text: string;
            /**
             * Tokens
             * @default []
             */
            tokens: number[];
            /** Words */
            words?: components["schemas"]["Word"][] | null;
        };
        /**
         * ServiceHealth
         * @description As the last probe found it. response_time: milliseconds. circuit: whether requests are let through.
         */
        ServiceHealth: {
            /** Circuit */
            circuit: string;
            /** Model */
            model: string | null;
            /** Models */
            models: {
                [key: string]: unknown;
            }[];
            /**
             * Process
             * @description Of its worker, under `atelier serve`
             */
            process?: {
                [key: string]: unknown;
            } | null;
            queue: components["schemas"]["Queue"] | null;
            /** Response Time */
            response_time: number | null;
            /**
             * Status
             * @enum {string}
             */
            status: "healthy" | "starting" | "degraded" | "unhealthy";
            /** Upstreams */
            upstreams: number;
        };
        /**
         * ServiceUsage
         * @description units: what the limits count, in `unit`. cost: in the currency of the prices.
         */
        ServiceUsage: {
            /** Audio Seconds */
            audio_seconds: number;
            /** Cached */
            cached: number;
            /** Cancelled */
            cancelled: number;
            /** Characters */
            characters: number;
            /** Compute Ms */
            compute_ms: number;
            /** Cost */
            cost: number;
            /** Failed */
            failed: number;
            /** Fallback */
            fallback: number;
            /** Megapixels */
            megapixels: number;
            /** Requests */
            requests: number;
            /** Succeeded */
            succeeded: number;
            /** Tokens */
            tokens: number;
            /** Unit */
            unit: string;
            /** Units */
            units: number;
        };
        /**
         * SpeechBody
         * @description `duration`: seconds, counted from the samples.
         */
        SpeechBody: {
            /** Audio Url */
            audio_url: string;
            /** Duration */
            duration: number;
            /** Language */
            language: string;
            /** Media Type */
            media_type: string;
            /** Model */
            model: string;
            /** Request Id */
            request_id: string;
            /** Service */
            service: string;
            usage: components["schemas"]["Usage"];
            /** Voice */
            voice: string;
            /** Warnings */
            warnings: string[];
        };
        /**
         * TranscriptAnswer
         * @description `json` holds text and usage; `verbose_json` all of it.
         */
        TranscriptAnswer: {
            /** Duration */
            duration?: number | null;
            /** Language */
            language?: string | null;
            /** Model */
            model?: string | null;
            /** Segments */
            segments?: components["schemas"]["Segment"][] | null;
            /** Task */
            task?: string | null;
            /** Text */
            text: string;
            usage?: components["schemas"]["UsageAnswer"] | null;
            /** Warnings */
            warnings?: string[] | null;
            /** Words */
            words?: components["schemas"]["Word"][] | null;
        };
        /** TranscriptBody */
        TranscriptBody: {
            /** Duration */
            duration: number;
            /** Language */
            language: string;
            /** Model */
            model: string;
            /** Request Id */
            request_id: string;
            /** Segments */
            segments: components["schemas"]["Segment"][];
            /** Service */
            service: string;
            /** Text */
            text: string;
            usage: components["schemas"]["Usage"];
            /** Warnings */
            warnings: string[];
        };
        /**
         * Usage
         * @description What one request cost. A field that does not apply to the service stays at zero.
         *
         *     units: in the service's own unit (see the catalog). megapixels: 10^6 pixels made. audio_seconds: heard or
         *     spoken. characters: spoken. tokens: read and written by a language model. compute_ms: time on the device.
         */
        Usage: {
            /**
             * Audio Seconds
             * @default 0
             */
            audio_seconds: number;
            /**
             * Characters
             * @default 0
             */
            characters: number;
            /**
             * Compute Ms
             * @default 0
             */
            compute_ms: number;
            /**
             * Megapixels
             * @default 0
             */
            megapixels: number;
            /**
             * Steps
             * @default 0
             */
            steps: number;
            /**
             * Tokens
             * @default 0
             */
            tokens: number;
            /**
             * Units
             * @default 0
             */
            units: number;
        };
        /**
         * UsageAnswer
         * @description OpenAI's token counts, and Atelier's own measures beside them.
         */
        UsageAnswer: {
            /** Characters */
            characters?: number | null;
            /** Completion Tokens */
            completion_tokens?: number | null;
            /** Compute Ms */
            compute_ms?: number | null;
            /**
             * Input Tokens
             * @default 0
             */
            input_tokens: number;
            /** Input Tokens Details */
            input_tokens_details?: {
                [key: string]: number;
            } | null;
            /**
             * Output Tokens
             * @default 0
             */
            output_tokens: number;
            /** Prompt Tokens */
            prompt_tokens?: number | null;
            /** Seconds */
            seconds?: number | null;
            /** Steps */
            steps?: number | null;
            /**
             * Total Tokens
             * @default 0
             */
            total_tokens: number;
            /** Type */
            type?: string | null;
        };
        /**
         * UsageDay
         * @description One service and model on one day, in UTC. model: empty where none answered.
         */
        UsageDay: {
            /** Cost */
            cost: number;
            /** Day */
            day: string;
            /** Failed */
            failed: number;
            /** Model */
            model: string;
            /** Requests */
            requests: number;
            /**
             * Service
             * @enum {string}
             */
            service: "text-to-image" | "text-to-speech" | "speech-to-text" | "image-to-image" | "image-to-text";
            /** Unit */
            unit: string;
            /** Units */
            units: number;
        };
        /** UsageDays */
        UsageDays: {
            /** Days */
            days: components["schemas"]["UsageDay"][];
            /** Month */
            month: string;
        };
        /**
         * UsageMonth
         * @description usage: requests of every service. services: the sums of those that had any.
         */
        UsageMonth: {
            /** Month */
            month: string;
            /** Services */
            services: {
                [key: string]: components["schemas"]["ServiceUsage"];
            };
            /** Total */
            total: number;
            /** Usage */
            usage: {
                [key: string]: number;
            };
        };
        /**
         * VoiceEntry
         * @description A voice of the tenant's own: `id` or `name` is what requests ask for as `voice`.
         *
         *     language: what it speaks where a request does not say. seconds, bytes and sha256: of
         *     the recording that it is learnt from, as it is kept; sent_sha256: as it was sent. created_by: who recorded it.
         */
        VoiceEntry: {
            /** Bytes */
            bytes: number;
            consent: components["schemas"]["Consent"];
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Created By */
            created_by: string;
            /** Id */
            id: string;
            /** Language */
            language: string | null;
            /** Name */
            name: string;
            /** Seconds */
            seconds: number;
            /** Sent Sha256 */
            sent_sha256: string;
            /** Sha256 */
            sha256: string;
        };
        /**
         * VoiceList
         * @description The oldest first. most: how many there may be.
         */
        VoiceList: {
            /** Most */
            most: number;
            /** Voices */
            voices: components["schemas"]["VoiceEntry"][];
        };
        /** Word */
        Word: {
            /** End */
            end: number;
            /** Probability */
            probability?: number | null;
            /** Start */
            start: number;
            /** Word */
            word: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    list_own_api_artifacts_get: {
        parameters: {
            query?: {
                /** @description What the page before gave as next */
                after?: string;
                /** @description How many at most */
                limit?: number;
                /** @description Only those of one request */
                request_id?: string;
                /** @description Only those of one service's finished requests */
                service?: "text-to-image" | "text-to-speech" | "speech-to-text" | "image-to-image" | "image-to-text";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ArtifactPage"];
                };
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description A parameter is malformed; the error names it */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
        };
    };
    delete_many_api_artifacts_delete: {
        parameters: {
            query?: {
                /** @description Every one */
                all?: "true";
                /** @description Those made before this time (UTC unless it says a zone) */
                before?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deleted"];
                };
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description A parameter is malformed; the error names it */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
        };
    };
    show_api_artifacts__artifact__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id */
                artifact: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ArtifactEntry"];
                };
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description No such model or thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
        };
    };
    delete_api_artifacts__artifact__delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id */
                artifact: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description No such model or thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
        };
    };
    caller_api_caller_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CallerAnswer"];
                };
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
        };
    };
    endpoint_api_image_to_image_post: {
        parameters: {
            query?: never;
            header?: {
                /** @description A request that is sent again with its key is not run again: it gets the first one's answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * Embed Metadata
                     * @default true
                     */
                    embed_metadata?: boolean;
                    /** Guidance Scale */
                    guidance_scale?: number | null;
                    /** Image */
                    image?: string | null;
                    /** Image Url */
                    image_url?: string | null;
                    /**
                     * Loras
                     * @default []
                     */
                    loras?: string[];
                    /** Mask */
                    mask?: string | null;
                    /** Mask Url */
                    mask_url?: string | null;
                    /** Model */
                    model?: string | null;
                    /**
                     * N
                     * @default 1
                     */
                    n?: number;
                    /**
                     * Negative Prompt
                     * @default
                     */
                    negative_prompt?: string;
                    /** Num Inference Steps */
                    num_inference_steps?: number | null;
                    /**
                     * Output Compression
                     * @default 95
                     */
                    output_compression?: number;
                    /**
                     * Output Format
                     * @default png
                     * @enum {string}
                     */
                    output_format?: "png" | "jpeg" | "webp";
                    /**
                     * Partial Images
                     * @default 0
                     */
                    partial_images?: number;
                    /**
                     * Prompt
                     * @default
                     */
                    prompt?: string;
                    /**
                     * Response Format
                     * @default url
                     * @enum {string}
                     */
                    response_format?: "url" | "b64_json";
                    /** Seed */
                    seed?: number | null;
                    /**
                     * Size
                     * @default auto
                     */
                    size?: string;
                    /**
                     * Stream
                     * @default false
                     */
                    stream?: boolean;
                    /** Strength */
                    strength?: number | null;
                    /** Style */
                    style?: string | null;
                };
                "multipart/form-data": {
                    /**
                     * Embed Metadata
                     * @default true
                     */
                    embed_metadata?: boolean;
                    /** Format: binary */
                    file?: string;
                    /** Guidance Scale */
                    guidance_scale?: number | null;
                    /** Image */
                    image?: string | null;
                    /** Image Url */
                    image_url?: string | null;
                    /**
                     * Loras
                     * @default []
                     */
                    loras?: string[];
                    /** Mask */
                    mask?: string | null;
                    /** Mask Url */
                    mask_url?: string | null;
                    /** Model */
                    model?: string | null;
                    /**
                     * N
                     * @default 1
                     */
                    n?: number;
                    /**
                     * Negative Prompt
                     * @default
                     */
                    negative_prompt?: string;
                    /** Num Inference Steps */
                    num_inference_steps?: number | null;
                    /**
                     * Output Compression
                     * @default 95
                     */
                    output_compression?: number;
                    /**
                     * Output Format
                     * @default png
                     * @enum {string}
                     */
                    output_format?: "png" | "jpeg" | "webp";
                    /**
                     * Partial Images
                     * @default 0
                     */
                    partial_images?: number;
                    /**
                     * Prompt
                     * @default
                     */
                    prompt?: string;
                    /**
                     * Response Format
                     * @default url
                     * @enum {string}
                     */
                    response_format?: "url" | "b64_json";
                    /** Seed */
                    seed?: number | null;
                    /**
                     * Size
                     * @default auto
                     */
                    size?: string;
                    /**
                     * Stream
                     * @default false
                     */
                    stream?: boolean;
                    /** Strength */
                    strength?: number | null;
                    /** Style */
                    style?: string | null;
                };
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImagesBody"];
                    "text/event-stream": unknown;
                };
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description No such model or thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The body did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The `Idempotency-Key` stands for a different request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The body or a file is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description Not that content type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The body is malformed or a field is out of range; the error names it */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description A limit is used up; `Retry-After` says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description A fault of the server's */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service failed */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service took too long */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
        };
    };
    endpoint_api_image_to_text_post: {
        parameters: {
            query?: never;
            header?: {
                /** @description A request that is sent again with its key is not run again: it gets the first one's answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * Detail
                     * @default auto
                     * @enum {string}
                     */
                    detail?: "low" | "auto" | "high";
                    /** Image */
                    image?: string | null;
                    /** Image Url */
                    image_url?: string | null;
                    /** Language */
                    language?: string | null;
                    /**
                     * Max Tokens
                     * @default 64
                     */
                    max_tokens?: number;
                    /** Model */
                    model?: string | null;
                    /** Question */
                    question?: string | null;
                    /**
                     * Task
                     * @default caption
                     * @enum {string}
                     */
                    task?: "caption" | "ocr" | "both";
                };
                "multipart/form-data": {
                    /**
                     * Detail
                     * @default auto
                     * @enum {string}
                     */
                    detail?: "low" | "auto" | "high";
                    /** Format: binary */
                    file?: string;
                    /** Image */
                    image?: string | null;
                    /** Image Url */
                    image_url?: string | null;
                    /** Language */
                    language?: string | null;
                    /**
                     * Max Tokens
                     * @default 64
                     */
                    max_tokens?: number;
                    /** Model */
                    model?: string | null;
                    /** Question */
                    question?: string | null;
                    /**
                     * Task
                     * @default caption
                     * @enum {string}
                     */
                    task?: "caption" | "ocr" | "both";
                };
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReadingBody"];
                };
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description No such model or thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The body did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The `Idempotency-Key` stands for a different request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The body or a file is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description Not that content type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The body is malformed or a field is out of range; the error names it */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description A limit is used up; `Retry-After` says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description A fault of the server's */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service failed */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service took too long */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
        };
    };
    limits_api_limits_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LimitList"];
                };
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
        };
    };
    endpoint_api_speech_to_text_post: {
        parameters: {
            query?: never;
            header?: {
                /** @description A request that is sent again with its key is not run again: it gets the first one's answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** Audio */
                    audio?: string | null;
                    /** Audio Url */
                    audio_url?: string | null;
                    /**
                     * Hotwords
                     * @default
                     */
                    hotwords?: string;
                    /** Language */
                    language?: string | null;
                    /** Model */
                    model?: string | null;
                    /**
                     * Prompt
                     * @default
                     */
                    prompt?: string;
                    /**
                     * Task
                     * @default transcribe
                     * @enum {string}
                     */
                    task?: "transcribe" | "translate";
                    /**
                     * Temperature
                     * @default 0
                     */
                    temperature?: number;
                    /**
                     * Timestamps
                     * @default segment
                     * @enum {string}
                     */
                    timestamps?: "segment" | "word";
                };
                "multipart/form-data": {
                    /** Audio */
                    audio?: string | null;
                    /** Audio Url */
                    audio_url?: string | null;
                    /** Format: binary */
                    file?: string;
                    /**
                     * Hotwords
                     * @default
                     */
                    hotwords?: string;
                    /** Language */
                    language?: string | null;
                    /** Model */
                    model?: string | null;
                    /**
                     * Prompt
                     * @default
                     */
                    prompt?: string;
                    /**
                     * Task
                     * @default transcribe
                     * @enum {string}
                     */
                    task?: "transcribe" | "translate";
                    /**
                     * Temperature
                     * @default 0
                     */
                    temperature?: number;
                    /**
                     * Timestamps
                     * @default segment
                     * @enum {string}
                     */
                    timestamps?: "segment" | "word";
                };
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TranscriptBody"];
                };
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description No such model or thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The body did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The `Idempotency-Key` stands for a different request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The body or a file is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description Not that content type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The body is malformed or a field is out of range; the error names it */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description A limit is used up; `Retry-After` says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description A fault of the server's */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service failed */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service took too long */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
        };
    };
    endpoint_api_text_to_image_post: {
        parameters: {
            query?: never;
            header?: {
                /** @description A request that is sent again with its key is not run again: it gets the first one's answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * Embed Metadata
                     * @default true
                     */
                    embed_metadata?: boolean;
                    /** Guidance Scale */
                    guidance_scale?: number | null;
                    /**
                     * Loras
                     * @default []
                     */
                    loras?: string[];
                    /** Model */
                    model?: string | null;
                    /**
                     * N
                     * @default 1
                     */
                    n?: number;
                    /**
                     * Negative Prompt
                     * @default
                     */
                    negative_prompt?: string;
                    /** Num Inference Steps */
                    num_inference_steps?: number | null;
                    /**
                     * Output Compression
                     * @default 95
                     */
                    output_compression?: number;
                    /**
                     * Output Format
                     * @default png
                     * @enum {string}
                     */
                    output_format?: "png" | "jpeg" | "webp";
                    /**
                     * Partial Images
                     * @default 0
                     */
                    partial_images?: number;
                    /** Prompt */
                    prompt: string;
                    /**
                     * Response Format
                     * @default url
                     * @enum {string}
                     */
                    response_format?: "url" | "b64_json";
                    /** Seed */
                    seed?: number | null;
                    /**
                     * Size
                     * @default auto
                     */
                    size?: string;
                    /**
                     * Stream
                     * @default false
                     */
                    stream?: boolean;
                    /** Style */
                    style?: string | null;
                };
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImagesBody"];
                    "text/event-stream": unknown;
                };
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description No such model or thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The body did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The `Idempotency-Key` stands for a different request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The body or a file is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description Not that content type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The body is malformed or a field is out of range; the error names it */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description A limit is used up; `Retry-After` says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description A fault of the server's */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service failed */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service took too long */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
        };
    };
    endpoint_api_text_to_speech_post: {
        parameters: {
            query?: never;
            header?: {
                /** @description A request that is sent again with its key is not run again: it gets the first one's answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** Language */
                    language?: string | null;
                    /** Model */
                    model?: string | null;
                    /**
                     * Response Format
                     * @default wav
                     * @enum {string}
                     */
                    response_format?: "wav" | "mp3" | "opus" | "aac" | "flac" | "pcm";
                    /**
                     * Speed
                     * @default 1
                     */
                    speed?: number;
                    /**
                     * Stream
                     * @default false
                     */
                    stream?: boolean;
                    /** Text */
                    text: string;
                    /** Voice */
                    voice?: string | null;
                };
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SpeechBody"];
                    "audio/aac": unknown;
                    "audio/flac": unknown;
                    "audio/mpeg": unknown;
                    "audio/ogg": unknown;
                    "audio/pcm": unknown;
                    "audio/wav": unknown;
                };
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description No such model or thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The body did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The `Idempotency-Key` stands for a different request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The body or a file is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description Not that content type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The body is malformed or a field is out of range; the error names it */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description A limit is used up; `Retry-After` says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description A fault of the server's */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service failed */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service took too long */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
        };
    };
    usage_api_usage_get: {
        parameters: {
            query?: {
                /** @description YYYY-MM, in UTC; none: the present one */
                month?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UsageMonth"];
                };
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description A parameter is malformed; the error names it */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
        };
    };
    usage_days_api_usage_days_get: {
        parameters: {
            query?: {
                /** @description YYYY-MM, in UTC; none: the present one */
                month?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UsageDays"];
                };
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description A parameter is malformed; the error names it */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
        };
    };
    list_own_api_voices_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VoiceList"];
                };
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
        };
    };
    create_api_voices_post: {
        parameters: {
            query?: never;
            header?: {
                /** @description A request that is sent again with its key is not run again: it gets the first one's answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    /** Consent */
                    consent: string;
                    /** Consent At */
                    consent_at: string;
                    /** Consent By */
                    consent_by: string;
                    /** Language */
                    language?: string | null;
                    /** Name */
                    name: string;
                    /** Format: binary */
                    reference: string;
                };
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VoiceEntry"];
                };
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The body did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The `Idempotency-Key` stands for a different request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The body or a file is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description Not that content type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description A parameter is malformed; the error names it */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description A limit is used up; `Retry-After` says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description A fault of the server's */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service failed */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service took too long */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
        };
    };
    show_api_voices__voice__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id */
                voice: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VoiceEntry"];
                };
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description No such model or thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
        };
    };
    delete_api_voices__voice__delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id */
                voice: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description No such model or thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
        };
    };
    hear_api_voices__voice__recording_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id */
                voice: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "audio/wav": unknown;
                };
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description No such model or thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
        };
    };
    content_artifacts__artifact__get: {
        parameters: {
            query?: {
                /** @description Of a signed link: until when it is good */
                expires?: string;
                /** @description Of a signed link, which needs no credentials */
                signature?: string;
            };
            header?: never;
            path: {
                /** @description Its id */
                artifact: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": string;
                };
            };
            /** @description A part of it */
            206: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": string;
                };
            };
            /** @description The client has it already */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description It is at `Location`, in the store itself */
            307: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description No such model or thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The file has no such part */
            416: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        code: string;
                        error: string;
                        field?: string;
                        request_id: string;
                        retry_after?: number;
                    };
                };
            };
        };
    };
    health_report_health_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthReport"];
                };
            };
            /** @description Nothing can be served */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthReport"];
                };
            };
        };
    };
    endpoint_v1_audio_speech_post: {
        parameters: {
            query?: never;
            header?: {
                /** @description A request that is sent again with its key is not run again: it gets the first one's answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** Input */
                    input: string;
                    /** Instructions */
                    instructions?: string | null;
                    /** Language */
                    language?: string | null;
                    /** Model */
                    model?: string | null;
                    /**
                     * Response Format
                     * @default mp3
                     */
                    response_format?: ("wav" | "mp3" | "opus" | "aac" | "flac" | "pcm") | null;
                    /**
                     * Speed
                     * @default 1
                     */
                    speed?: number | null;
                    /**
                     * Stream
                     * @default true
                     */
                    stream?: boolean | null;
                    /**
                     * Stream Format
                     * @default audio
                     */
                    stream_format?: ("audio" | "sse") | null;
                    /** Voice */
                    voice?: string | {
                        /** Id */
                        id: string;
                    } | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "audio/aac": unknown;
                    "audio/flac": unknown;
                    "audio/mpeg": unknown;
                    "audio/ogg": unknown;
                    "audio/pcm": unknown;
                    "audio/wav": unknown;
                    "text/event-stream": unknown;
                };
            };
            /** @description The body is malformed or a field is out of range; the error names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description No such model or thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The body did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The `Idempotency-Key` stands for a different request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The body or a file is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description Not that content type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description A limit is used up; `Retry-After` says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description A fault of the server's */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The service failed */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The service took too long */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
        };
    };
    endpoint_v1_audio_transcriptions_post: {
        parameters: {
            query?: never;
            header?: {
                /** @description A request that is sent again with its key is not run again: it gets the first one's answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    /** Chunking Strategy */
                    chunking_strategy?: "auto" | null;
                    /** Format: binary */
                    file: string;
                    /**
                     * Hotwords
                     * @default
                     */
                    hotwords?: string;
                    /**
                     * Include
                     * @default []
                     */
                    include?: string[];
                    /** Language */
                    language?: string | null;
                    /** Model */
                    model?: string | null;
                    /**
                     * Prompt
                     * @default
                     */
                    prompt?: string;
                    /**
                     * Response Format
                     * @default json
                     * @enum {string}
                     */
                    response_format?: "json" | "text" | "srt" | "verbose_json" | "vtt";
                    /**
                     * Stream
                     * @default false
                     */
                    stream?: boolean;
                    /**
                     * Temperature
                     * @default 0
                     */
                    temperature?: number;
                    /**
                     * Timestamp Granularities
                     * @default [
                     *       "segment"
                     *     ]
                     */
                    timestamp_granularities?: ("word" | "segment")[];
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TranscriptAnswer"];
                    "text/event-stream": unknown;
                    "text/plain": unknown;
                };
            };
            /** @description The body is malformed or a field is out of range; the error names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description No such model or thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The body did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The `Idempotency-Key` stands for a different request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The body or a file is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description Not that content type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description A limit is used up; `Retry-After` says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description A fault of the server's */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The service failed */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The service took too long */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
        };
    };
    endpoint_v1_audio_translations_post: {
        parameters: {
            query?: never;
            header?: {
                /** @description A request that is sent again with its key is not run again: it gets the first one's answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    /** Format: binary */
                    file: string;
                    /**
                     * Hotwords
                     * @default
                     */
                    hotwords?: string;
                    /** Model */
                    model?: string | null;
                    /**
                     * Prompt
                     * @default
                     */
                    prompt?: string;
                    /**
                     * Response Format
                     * @default json
                     * @enum {string}
                     */
                    response_format?: "json" | "text" | "srt" | "verbose_json" | "vtt";
                    /**
                     * Temperature
                     * @default 0
                     */
                    temperature?: number;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TranscriptAnswer"];
                    "text/event-stream": unknown;
                    "text/plain": unknown;
                };
            };
            /** @description The body is malformed or a field is out of range; the error names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description No such model or thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The body did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The `Idempotency-Key` stands for a different request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The body or a file is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description Not that content type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description A limit is used up; `Retry-After` says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description A fault of the server's */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The service failed */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The service took too long */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
        };
    };
    endpoint_v1_chat_completions_post: {
        parameters: {
            query?: never;
            header?: {
                /** @description A request that is sent again with its key is not run again: it gets the first one's answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** Frequency Penalty */
                    frequency_penalty?: number | null;
                    /** Max Completion Tokens */
                    max_completion_tokens?: number | null;
                    /** Max Tokens */
                    max_tokens?: number | null;
                    /** Messages */
                    messages: {
                        /** Annotations */
                        annotations?: unknown[] | null;
                        /** Audio */
                        audio?: null;
                        /** Content */
                        content: string | ({
                            /** Text */
                            text: string;
                            /**
                             * Type
                             * @constant
                             */
                            type: "text";
                        } | {
                            /**
                             * _ImageUrl
                             * @description `detail`: how closely the picture is described, where no question is asked; other words than ours are `auto`.
                             */
                            image_url: {
                                /** Detail */
                                detail?: string | null;
                                /** Url */
                                url: string;
                            };
                            /**
                             * Type
                             * @constant
                             */
                            type: "image_url";
                        })[] | null;
                        /** Function Call */
                        function_call?: null;
                        /** Name */
                        name?: string | null;
                        /** Refusal */
                        refusal?: null;
                        /**
                         * Role
                         * @enum {string}
                         */
                        role: "system" | "developer" | "user" | "assistant";
                        /** Tool Calls */
                        tool_calls?: null;
                    }[];
                    /** Metadata */
                    metadata?: {
                        [key: string]: string;
                    } | null;
                    /** Model */
                    model?: string | null;
                    /**
                     * N
                     * @default 1
                     */
                    n?: 1 | null;
                    /** Presence Penalty */
                    presence_penalty?: number | null;
                    /** Prompt Cache Key */
                    prompt_cache_key?: string | null;
                    /** Reasoning Effort */
                    reasoning_effort?: string | null;
                    response_format?: {
                        /**
                         * Type
                         * @constant
                         */
                        type: "text";
                    } | null;
                    /** Safety Identifier */
                    safety_identifier?: string | null;
                    /** Seed */
                    seed?: number | null;
                    /** Service Tier */
                    service_tier?: string | null;
                    /** Store */
                    store?: boolean | null;
                    /**
                     * Stream
                     * @default false
                     */
                    stream?: boolean | null;
                    stream_options?: {
                        /** Include Obfuscation */
                        include_obfuscation?: boolean | null;
                        /**
                         * Include Usage
                         * @default false
                         */
                        include_usage?: boolean;
                    } | null;
                    /**
                     * Temperature
                     * @default 0
                     */
                    temperature?: number | null;
                    /** Top P */
                    top_p?: number | null;
                    /** User */
                    user?: string | null;
                    /** Verbosity */
                    verbosity?: string | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChatAnswer"];
                    "text/event-stream": unknown;
                };
            };
            /** @description The body is malformed or a field is out of range; the error names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description No such model or thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The body did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The `Idempotency-Key` stands for a different request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The body or a file is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description Not that content type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description A limit is used up; `Retry-After` says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description A fault of the server's */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The service failed */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The service took too long */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
        };
    };
    endpoint_v1_images_edits_post: {
        parameters: {
            query?: never;
            header?: {
                /** @description A request that is sent again with its key is not run again: it gets the first one's answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    /** Background */
                    background?: ("auto" | "opaque") | null;
                    /** Complexity */
                    complexity?: string | null;
                    /**
                     * Embed Metadata
                     * @default true
                     */
                    embed_metadata?: boolean;
                    /** Guidance Scale */
                    guidance_scale?: number | null;
                    /** Format: binary */
                    image: string;
                    /** Input Fidelity */
                    input_fidelity?: string | null;
                    /**
                     * Loras
                     * @default []
                     */
                    loras?: string[];
                    /** Mask */
                    mask?: string | null;
                    /** Model */
                    model?: string | null;
                    /** Moderation */
                    moderation?: string | null;
                    /**
                     * N
                     * @default 1
                     */
                    n?: number;
                    /**
                     * Negative Prompt
                     * @default
                     */
                    negative_prompt?: string;
                    /** Num Inference Steps */
                    num_inference_steps?: number | null;
                    /**
                     * Output Compression
                     * @default 95
                     */
                    output_compression?: number;
                    /**
                     * Output Format
                     * @default png
                     * @enum {string}
                     */
                    output_format?: "png" | "jpeg" | "webp";
                    /**
                     * Partial Images
                     * @default 0
                     */
                    partial_images?: number;
                    /** Prompt */
                    prompt: string;
                    /** Quality */
                    quality?: string | null;
                    /**
                     * Response Format
                     * @default b64_json
                     * @enum {string}
                     */
                    response_format?: "b64_json" | "url";
                    /** Safety Identifier */
                    safety_identifier?: string | null;
                    /** Seed */
                    seed?: number | null;
                    /**
                     * Size
                     * @default auto
                     */
                    size?: string;
                    /**
                     * Stream
                     * @default false
                     */
                    stream?: boolean;
                    /** Strength */
                    strength?: number | null;
                    /** Style */
                    style?: string | null;
                    /** User */
                    user?: string | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImagesAnswer"];
                    "text/event-stream": unknown;
                };
            };
            /** @description The body is malformed or a field is out of range; the error names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description No such model or thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The body did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The `Idempotency-Key` stands for a different request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The body or a file is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description Not that content type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description A limit is used up; `Retry-After` says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description A fault of the server's */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The service failed */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The service took too long */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
        };
    };
    endpoint_v1_images_generations_post: {
        parameters: {
            query?: never;
            header?: {
                /** @description A request that is sent again with its key is not run again: it gets the first one's answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** Background */
                    background?: ("auto" | "opaque") | null;
                    /** Complexity */
                    complexity?: string | null;
                    /**
                     * Embed Metadata
                     * @default true
                     */
                    embed_metadata?: boolean | null;
                    /** Guidance Scale */
                    guidance_scale?: number | null;
                    /**
                     * Loras
                     * @default []
                     */
                    loras?: string[] | null;
                    /** Model */
                    model?: string | null;
                    /** Moderation */
                    moderation?: string | null;
                    /**
                     * N
                     * @default 1
                     */
                    n?: number | null;
                    /**
                     * Negative Prompt
                     * @default
                     */
                    negative_prompt?: string | null;
                    /** Num Inference Steps */
                    num_inference_steps?: number | null;
                    /**
                     * Output Compression
                     * @default 95
                     */
                    output_compression?: number | null;
                    /**
                     * Output Format
                     * @default png
                     */
                    output_format?: ("png" | "jpeg" | "webp") | null;
                    /**
                     * Partial Images
                     * @default 0
                     */
                    partial_images?: number | null;
                    /** Prompt */
                    prompt: string;
                    /** Quality */
                    quality?: string | null;
                    /**
                     * Response Format
                     * @default b64_json
                     */
                    response_format?: ("b64_json" | "url") | null;
                    /** Safety Identifier */
                    safety_identifier?: string | null;
                    /** Seed */
                    seed?: number | null;
                    /**
                     * Size
                     * @default auto
                     */
                    size?: string | null;
                    /**
                     * Stream
                     * @default false
                     */
                    stream?: boolean | null;
                    /** Style */
                    style?: string | null;
                    /** User */
                    user?: string | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImagesAnswer"];
                    "text/event-stream": unknown;
                };
            };
            /** @description The body is malformed or a field is out of range; the error names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description No such model or thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The body did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The `Idempotency-Key` stands for a different request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The body or a file is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description Not that content type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description A limit is used up; `Retry-After` says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description A fault of the server's */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The service failed */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The service took too long */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
        };
    };
    endpoint_v1_images_variations_post: {
        parameters: {
            query?: never;
            header?: {
                /** @description A request that is sent again with its key is not run again: it gets the first one's answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    /** Background */
                    background?: ("auto" | "opaque") | null;
                    /** Complexity */
                    complexity?: string | null;
                    /**
                     * Embed Metadata
                     * @default true
                     */
                    embed_metadata?: boolean;
                    /** Guidance Scale */
                    guidance_scale?: number | null;
                    /** Format: binary */
                    image: string;
                    /**
                     * Loras
                     * @default []
                     */
                    loras?: string[];
                    /** Mask */
                    mask?: string | null;
                    /** Model */
                    model?: string | null;
                    /** Moderation */
                    moderation?: string | null;
                    /**
                     * N
                     * @default 1
                     */
                    n?: number;
                    /**
                     * Negative Prompt
                     * @default
                     */
                    negative_prompt?: string;
                    /** Num Inference Steps */
                    num_inference_steps?: number | null;
                    /**
                     * Output Compression
                     * @default 95
                     */
                    output_compression?: number;
                    /**
                     * Output Format
                     * @default png
                     * @enum {string}
                     */
                    output_format?: "png" | "jpeg" | "webp";
                    /**
                     * Partial Images
                     * @default 0
                     */
                    partial_images?: number;
                    /** Quality */
                    quality?: string | null;
                    /**
                     * Response Format
                     * @default b64_json
                     * @enum {string}
                     */
                    response_format?: "b64_json" | "url";
                    /** Safety Identifier */
                    safety_identifier?: string | null;
                    /** Seed */
                    seed?: number | null;
                    /**
                     * Size
                     * @default auto
                     */
                    size?: string;
                    /**
                     * Stream
                     * @default false
                     */
                    stream?: boolean;
                    /** Strength */
                    strength?: number | null;
                    /** Style */
                    style?: string | null;
                    /** User */
                    user?: string | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImagesAnswer"];
                    "text/event-stream": unknown;
                };
            };
            /** @description The body is malformed or a field is out of range; the error names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description No such model or thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The body did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The `Idempotency-Key` stands for a different request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The body or a file is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description Not that content type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description A limit is used up; `Retry-After` says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description A fault of the server's */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The service failed */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The service took too long */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
        };
    };
    models_v1_models_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelList"];
                };
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
        };
    };
    model_v1_models__model__get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                model: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelEntry"];
                };
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description No such model or thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
        };
    };
    endpoint_v1_ocr_post: {
        parameters: {
            query?: never;
            header?: {
                /** @description A request that is sent again with its key is not run again: it gets the first one's answer */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    /** Format: binary */
                    image: string;
                    /** Language */
                    language?: string | null;
                    /** Model */
                    model?: string | null;
                };
            };
        };
        responses: {
            /** @description Done */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OcrAnswer"];
                };
            };
            /** @description The body is malformed or a field is out of range; the error names it */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description No credentials, or bad ones */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The credentials are not for this, a LoRA is not for this tenant, or the account is suspended */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description No such model or thing */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The body did not arrive in time */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The `Idempotency-Key` stands for a different request */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The body or a file is too large */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description Not that content type */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description A limit is used up; `Retry-After` says when to come back */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description A fault of the server's */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The service failed */
            502: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The service is not available or overloaded; `Retry-After` says when to come back */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
            /** @description The service took too long */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        error: {
                            code: string | null;
                            message: string;
                            param: string | null;
                            type: string;
                        };
                    };
                };
            };
        };
    };
}
