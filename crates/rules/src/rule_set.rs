//! The rules that apply to a run.

use std::fmt;
use std::sync::Arc;

use cel::{Context, Env};
use model::desired::{Document, Place};
use model::project::{PolicyRule, RuleLevel};
use model::rule_finding::{EXCEPT_ANNOTATION, RuleFinding};

use crate::expression::Expression;
use crate::expression_problem::ExpressionProblem;
use crate::message::Message;
use crate::metering::StepBudget;
use crate::rule_input::RuleInput;
use crate::rule_places::RulePlaces;

/// The rules to evaluate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleScope {
    /// Rules that need no plan.
    Manifest,
    /// All.
    Change,
    /// Rules about changes: the manifest declares nothing, or there is none.
    Deletion,
}

/// A rule that can be evaluated.
#[derive(Debug)]
pub(crate) struct CompiledRule {
    name: Arc<str>,
    level: RuleLevel,
    when: Option<Expression>,
    deny: Expression,
    message: Message,
    places: Option<RulePlaces>,
}

impl CompiledRule {
    fn parse(rule: &PolicyRule, places: Option<RulePlaces>) -> Option<Self> {
        Some(Self {
            name: Arc::from(rule.name.as_str()),
            level: rule.level,
            when: rule.when.as_deref().map(Expression::parse).transpose().ok()?,
            deny: Expression::parse(&rule.deny).ok()?,
            message: Message::parse(&rule.message).ok()?,
            places,
        })
    }

    /// Whether it needs a plan.
    fn is_about_changes(&self) -> bool {
        let expressions = self.when.iter().chain([&self.deny]).chain(self.message.expressions());
        expressions.into_iter().any(|it| it.variables.contains("change"))
    }

    fn is_in(&self, scope: RuleScope) -> bool {
        match scope {
            RuleScope::Manifest => !self.is_about_changes(),
            RuleScope::Change => true,
            RuleScope::Deletion => self.is_about_changes(),
        }
    }

    /// Whether an object violates it. A failure comes with the position of the failed expression.
    fn is_violated(&self, context: &Context<'_, '_>) -> Result<bool, (String, Option<Place>)> {
        let place = |part: fn(&RulePlaces) -> &Option<Place>| self.places.as_ref().and_then(|it| part(it).clone());
        if let Some(when) = &self.when
            && !when.is_true(context).map_err(|error| (format!("`when`: {error}"), place(|it| &it.when)))?
        {
            return Ok(false);
        }
        self.deny.is_true(context).map_err(|error| (format!("`deny`: {error}"), place(|it| &it.deny)))
    }

    fn evaluate(&self, context: &Context<'_, '_>) -> Option<RuleFinding> {
        let name_place = || self.places.as_ref().map(|places| places.name.clone());
        let (message, is_failure, rule_place) = match self.is_violated(context) {
            Ok(false) => return None,
            Ok(true) => (self.message.render(context), false, name_place()),
            Err((error, place)) => (error, true, place.or_else(name_place)),
        };
        Some(RuleFinding {
            rule: Arc::clone(&self.name),
            level: self.level,
            message,
            is_failure,
            is_excepted: false,
            path: self.deny.field.clone().unwrap_or_default(),
            place: None,
            rule_place,
        })
    }
}

/// The problem in an expression of a rule.
pub(crate) fn parse_condition(text: &str) -> Option<ExpressionProblem> {
    match Expression::parse(text) {
        Err(problem) => Some(problem),
        // Its value is the same for each manifest. A loop could take long, so it is evaluated only in the run.
        Ok(constant) if constant.variables.is_empty() && !text.contains('(') => {
            let mut context = Context::with_env(standard_library());
            StepBudget::default().add_functions(&mut context, 0);
            constant.is_true(&context).err().map(|error| ExpressionProblem::new(0, error))
        }
        // Not in `parse`: a rule of the base with such a word may still deny something.
        Ok(expression) => expression.unknown_word(text),
    }
}

fn standard_library() -> Arc<Env> {
    Arc::new(Env::default().with_optional_support(false).with_stdlib())
}

/// The problem in its message.
pub(crate) fn parse_message(text: &str) -> Option<ExpressionProblem> {
    Message::parse(text).err()
}

/// The rules that apply to a run.
#[derive(Default)]
pub struct RuleSet {
    rules: Vec<CompiledRule>,
    library: Option<Arc<Env>>,
    pub(crate) budget: StepBudget,
}

impl fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

impl RuleSet {
    /// The rules without those that have errors: [`find_rule_problems`](crate::find_rule_problems) reports them, of an
    /// earlier version of the file as well.
    pub fn compile(rules: &[PolicyRule], places: impl Fn(&PolicyRule) -> Option<RulePlaces>) -> Self {
        let rules = rules.iter().filter_map(|rule| CompiledRule::parse(rule, places(rule)));
        let rules: Vec<_> = rules.collect();
        let library = (!rules.is_empty()).then(standard_library);
        Self { rules, library, budget: StepBudget::default() }
    }

    /// Whether there are no rules.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The names of the rules.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| &*rule.name)
    }

    /// The findings of the rules about an object, in the order of the rules.
    pub fn evaluate(&self, input: &RuleInput<'_>, scope: RuleScope) -> Vec<RuleFinding> {
        let rules: Vec<&CompiledRule> = self.rules.iter().filter(|it| it.is_in(scope)).collect();
        let Some(library) = self.library.as_ref().filter(|_| !rules.is_empty()) else { return Vec::new() };
        let found = input.environments.iter().flat_map(|environment| {
            let mut context = Context::with_env(Arc::clone(library));
            input.add_variables(&mut context, environment, &self.budget);
            rules.iter().filter_map(|rule| rule.evaluate(&context)).collect::<Vec<_>>()
        });
        let excepted: Vec<&str> = input.document.map(excepted_rules).unwrap_or_default();
        let mut findings: Vec<RuleFinding> = Vec::new();
        for finding in found {
            // A rule of the base and its new version may report the same. A new version with a lower level must not
            // hide the error of the old one, because the change that it checks may contain it.
            let said = |it: &RuleFinding| (Arc::clone(&it.rule), it.level, it.message.clone());
            if findings.iter().all(|it| said(it) != said(&finding)) {
                let is_excepted = excepted.contains(&&*finding.rule);
                findings.push(RuleFinding { is_excepted, ..finding });
            }
        }
        findings
    }
}

impl RuleSet {
    /// The rules that a document is excepted from, with those that do not exist.
    pub fn unknown_exceptions<'d>(&self, document: &'d Document) -> Vec<&'d str> {
        let named = excepted_rules(document).into_iter();
        named.filter(|name| !self.names().any(|known| known == *name)).collect()
    }
}

/// The rules that a document is excepted from.
pub fn excepted_rules(document: &Document) -> Vec<&str> {
    let names = document.intent.annotations.get(EXCEPT_ANNOTATION).map(String::as_str).unwrap_or_default();
    names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect()
}
