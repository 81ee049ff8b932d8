//! Why a day differs from the usual: closed lists of codes, with what people read.

/// Makes an enum of codes with labels in both languages.
macro_rules! reasons {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal, $fr:literal, $en:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
        }

        impl $name {
            /// All, in the order they are offered.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable code.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// What people read.
            pub const fn label_fr(self) -> &'static str {
                match self { $(Self::$variant => $fr),+ }
            }

            /// The same in English.
            pub const fn label_en(self) -> &'static str {
                match self { $(Self::$variant => $en),+ }
            }

            /// The one with this code.
            pub fn known(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|reason| reason.as_str() == code)
            }
        }
    };
}

reasons! {
    /// Why a house is shut, opens more, or is elsewhere; why a permanence does not take place.
    Reason {
        /// Building works.
        Works = "works", "travaux", "building works";
        /// The agents are being trained.
        Training = "training", "formation de l’équipe", "staff training";
        /// Nobody is there to open.
        StaffAbsence = "staff_absence", "absence de personnel", "staff absence";
        /// The team meets.
        Meeting = "meeting", "réunion", "meeting";
        /// Storm, snow, heat.
        Weather = "weather", "intempéries", "weather";
        /// A strike.
        Strike = "strike", "grève", "strike";
        /// An event in or around the house.
        Event = "event", "événement", "event";
        /// Holidays of the house.
        Holiday = "holiday", "congés ou pont", "holidays";
        /// No power, telephone or network.
        Network = "network", "panne de réseau ou d’électricité", "network or power failure";
        /// The house moves.
        Move = "move", "déménagement", "moving";
        /// Anything else.
        Other = "other", "autre motif", "other reason";
    }
}

reasons! {
    /// Why an agent is not at work.
    AbsenceKind {
        /// Leave.
        Leave = "leave", "congés", "leave";
        /// Illness.
        Illness = "illness", "maladie", "illness";
        /// Training.
        Training = "training", "formation", "training";
        /// Anything else.
        Other = "other", "autre", "other";
    }
}
