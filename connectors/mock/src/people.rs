//! The words synthetic people, firms and deals are made of, the same in every mock. All invented; every address ends in
//! `.example`.

pub const FIRST: [&str; 48] = [
    "Ada", "Alma", "Amir", "Anouk", "Basil", "Bruno", "Carla", "Chidi", "Clara", "Dario", "Delia", "Edda", "Elio",
    "Emre", "Esra", "Farah", "Felix", "Freya", "Gita", "Hana", "Hugo", "Ida", "Ines", "Ivo", "Jana", "Jonas", "Kaito",
    "Karim", "Lena", "Leo", "Lia", "Mara", "Milo", "Mina", "Nadia", "Nils", "Noor", "Oskar", "Paula", "Quinn", "Rafa",
    "Rosa", "Samir", "Selma", "Theo", "Uma", "Vera", "Yuki",
];

pub const LAST: [&str; 64] = [
    "Abbott", "Adeyemi", "Albers", "Amato", "Aydin", "Barros", "Becker", "Berg", "Bianchi", "Blom", "Bodin", "Castell",
    "Chen", "Cole", "Dahl", "Diaz", "Dunne", "Eklund", "Endo", "Faber", "Falk", "Farkas", "Fischer", "Fontana",
    "Garcia", "Haas", "Hale", "Hirsch", "Holm", "Ibsen", "Ito", "Jansen", "Kade", "Keller", "Kovac", "Kraus", "Lange",
    "Larsen", "Lindt", "Lopez", "Marsh", "Mendes", "Meyer", "Moreau", "Nakata", "Novak", "Okafor", "Olsen", "Ortega",
    "Pavel", "Quist", "Reyes", "Rossi", "Sato", "Schell", "Silva", "Sorel", "Tanaka", "Thorne", "Udo", "Vance",
    "Weiss", "Young", "Zeman",
];

pub const FIRM_HEAD: [&str; 40] = [
    "Alder", "Amber", "Arbor", "Atlas", "Azure", "Beacon", "Birch", "Bright", "Cedar", "Clear", "Cobalt", "Coral",
    "Delta", "Dune", "Echo", "Ember", "Falcon", "Fjord", "Flint", "Garnet", "Glade", "Harbor", "Hazel", "Indigo",
    "Juniper", "Kestrel", "Larch", "Lumen", "Maple", "Meridian", "North", "Onyx", "Opal", "Pine", "Quartz", "River",
    "Sable", "Tidal", "Umber", "Willow",
];

pub const FIRM_TAIL: [&str; 24] = [
    "bank", "bridge", "cast", "craft", "field", "forge", "gate", "grid", "labs", "link", "mark", "mill", "path",
    "point", "port", "stack", "stone", "trade", "vale", "view", "ward", "ware", "works", "yard",
];

pub const TITLES: [&str; 16] = [
    "VP Operations",
    "Head of IT",
    "Account Manager",
    "Data Analyst",
    "CEO",
    "CFO",
    "Purchasing Manager",
    "Director of Marketing",
    "Software Engineer",
    "Operations Lead",
    "Student",
    "Consultant",
    "VP Sales",
    "Office Manager",
    "Product Manager",
    "Founder",
];

/// City and country, kept together.
pub const CITIES: [(&str, &str); 12] = [
    ("Lisbon", "Portugal"),
    ("Oslo", "Norway"),
    ("Hamburg", "Germany"),
    ("Lyon", "France"),
    ("Turin", "Italy"),
    ("Leeds", "United Kingdom"),
    ("Austin", "United States"),
    ("Denver", "United States"),
    ("Toronto", "Canada"),
    ("Osaka", "Japan"),
    ("Nairobi", "Kenya"),
    ("Recife", "Brazil"),
];

pub const PRODUCTS: [&str; 6] = ["Starter", "Team", "Business", "Platform", "Support", "Training"];

/// The colleagues at whose desks synthetic records lie. The last has left the firm and still owns some.
pub const AGENTS: [(&str, &str); 8] = [
    ("Iris", "Calder"),
    ("Joel", "Mbeki"),
    ("Kira", "Lund"),
    ("Luca", "Ferrant"),
    ("Maren", "Oduya"),
    ("Pavel", "Strand"),
    ("Rhea", "Quill"),
    ("Tomas", "Wren"),
];
